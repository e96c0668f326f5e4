/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections that are accepted and never read: nothing to receive with, so no ring either. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "serve/worker.h"

enum { EVENTS = 64, BACKLOG = 4096, PAUSE_MS = 10 };

struct held {
    struct rl_pooled pooled;
    struct rl_list link;
    int fd;
};

struct holder {
    struct rl_serve_worker *worker;
    int listen_fd, epoll_fd;
    struct rl_pool pool; /* of held */
    struct rl_list open;
    bool paused;
};

static int watch(struct holder *holder, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};

    return epoll_ctl(holder->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void let_go(struct holder *holder, struct held *held)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(held->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    rl_serve_count(&holder->worker->counts.resets, error != 0);
    rl_serve_count(&holder->worker->counts.closed, 1);
    close(held->fd);
    rl_list_remove(&held->link);
    rl_pool_release(&holder->pool, held);
}

static void hold(struct holder *holder, int fd)
{
    struct held *held = rl_pool_acquire(&holder->pool);

    if (held == NULL || watch(holder, fd, EPOLLRDHUP, held) < 0) {
        rl_serve_count(&holder->worker->counts.refused, 1);
        if (held != NULL)
            rl_pool_release(&holder->pool, held);
        close(fd);
        return;
    }
    held->fd = fd;
    rl_list_push(&holder->open, &held->link);
    rl_serve_count(&holder->worker->counts.accepted, 1);
}

static void accept_all(struct holder *holder)
{
    int fd;

    while ((fd = accept4(holder->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        hold(holder, fd);
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
        return;
    rl_serve_count(&holder->worker->counts.pauses, 1);
    holder->paused = true;
}

static int open_listener(struct holder *holder)
{
    const int on = 1;
    struct rl_addr *addr = &holder->worker->addr;
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(addr, &sa);

    holder->listen_fd = socket(addr->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (holder->listen_fd < 0 ||
        setsockopt(holder->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(holder->listen_fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(holder->listen_fd, (struct sockaddr *)&sa, size) < 0 ||
        listen(holder->listen_fd, BACKLOG) < 0 ||
        getsockname(holder->listen_fd, (struct sockaddr *)&sa, &size) < 0)
        return -errno;
    rl_addr_from_sockaddr((struct sockaddr *)&sa, addr);
    return watch(holder, holder->listen_fd, EPOLLIN, &holder->listen_fd);
}

static int open_holder(struct holder *holder)
{
    holder->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    holder->worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (holder->epoll_fd < 0 || holder->worker->stop_fd < 0 ||
        watch(holder, holder->worker->stop_fd, EPOLLIN, holder) < 0)
        return -errno;
    return open_listener(holder);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* One wait; true: stop. */
static bool turn(struct holder *holder)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(holder->epoll_fd, events, EVENTS, holder->paused ? PAUSE_MS : -1);
    bool stop = false;

    holder->paused = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == holder)
            stop = true;
        else if (events[i].data.ptr == &holder->listen_fd)
            accept_all(holder);
        else
            let_go(holder, events[i].data.ptr);
    }
    return stop;
}

void rl_serve_hold(struct rl_serve_worker *worker)
{
    struct holder holder = {.worker = worker, .listen_fd = -1, .epoll_fd = -1};
    int status;

    rl_list_init(&holder.open);
    rl_pool_init(&holder.pool, sizeof(struct held), worker->max_conns);
    status = open_holder(&holder);
    rl_serve_worker_started(worker, status, "listen");
    while (status == 0 && !turn(&holder))
        ;
    while (!rl_list_empty(&holder.open))
        let_go(&holder, rl_container_of(holder.open.next, struct held, link));
    rl_pool_fini(&holder.pool);
    close_fd(holder.listen_fd);
    close_fd(holder.epoll_fd);
}
