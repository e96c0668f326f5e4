/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "net/dns_record.h"

enum { THREAD_STACK = 512 * 1024 };

struct resolver {
    struct rl_dns *dns;
    pthread_t thread;
    bool busy; /* looks a name up, and may do so for long */
};

struct rl_dns {
    struct rl_dns_config config;
    pthread_mutex_t mutex;
    pthread_cond_t work; /* something was queued, or closing */
    struct rl_dns_table table;
    struct rl_list queue; /* records */
    struct rl_rng rng;
    struct resolver resolvers[RL_DNS_THREADS];
    unsigned started_count, thread_count, idle_count, queued_count;
    bool closing;
    bool orphan; /* its owner has gone: the last thread cleans up */
};

static size_t keep_family(uint16_t family, struct rl_addr *addrs, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (addrs[i].family == family)
            addrs[kept++] = addrs[i];
    }
    return kept;
}

static bool has_family(uint16_t family, const struct rl_addr *addrs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (addrs[i].family == family)
            return true;
    }
    return false;
}

size_t rl_dns_filter(enum rl_dns_policy policy, struct rl_addr *addrs, size_t count)
{
    uint16_t family = AF_INET;

    if (policy == RL_DNS_ANY)
        return count;
    if (policy == RL_DNS_ONLY_V6 || policy == RL_DNS_PREFER_V6)
        family = AF_INET6;
    if ((policy == RL_DNS_PREFER_V4 || policy == RL_DNS_PREFER_V6) &&
        !has_family(family, addrs, count))
        return count; /* all of them are of the other one */
    return keep_family(family, addrs, count);
}

/* A name that does not exist needs no reason; a resolver that does not work does. */
static const char *reason(int code)
{
    if (code == EAI_NONAME || code == EAI_NODATA)
        return NULL;
    return code == EAI_SYSTEM ? rl_status_text(-errno) : gai_strerror(code);
}

static size_t ask_system(void *ctx, const char *host, int family, struct rl_addr *addrs, size_t max,
                         const char **why)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
    size_t count = 0;
    int code = getaddrinfo(host, NULL, &hints, &list);

    (void)ctx;
    if (code != 0) {
        *why = reason(code);
        return 0;
    }
    for (struct addrinfo *item = list; item != NULL && count < max; item = item->ai_next) {
        if (item->ai_family == AF_INET || item->ai_family == AF_INET6)
            rl_addr_from_sockaddr(item->ai_addr, &addrs[count++]);
    }
    freeaddrinfo(list);
    return count;
}

static int wanted_family(enum rl_dns_policy policy)
{
    if (policy == RL_DNS_ONLY_V4)
        return AF_INET;
    return policy == RL_DNS_ONLY_V6 ? AF_INET6 : AF_UNSPEC;
}

static struct rl_addr pick(struct rl_dns *dns, struct rl_dns_record *record,
                           const struct rl_addr *addrs, size_t count)
{
    switch (dns->config.select) {
    case RL_DNS_FIRST:
        return addrs[0];
    case RL_DNS_ROUND_ROBIN:
        return addrs[record->turn++ % count];
    case RL_DNS_RANDOM:
        break;
    }
    return addrs[rl_rng_below(&dns->rng, count)];
}

static uint64_t expiry(int64_t ttl_ns)
{
    return ttl_ns == INT64_MAX ? UINT64_MAX : rl_clock_ns() + (uint64_t)ttl_ns;
}

static void store(struct rl_dns *dns, struct rl_dns_record *record, const struct rl_addr *addrs,
                  size_t count)
{
    struct rl_addr *copy;

    if (count == 0 || dns->config.ttl_ns <= 0)
        return;
    copy = reallocarray(record->addrs, count, sizeof(*copy));
    if (copy == NULL)
        return; /* then the next one asks again */
    memcpy(copy, addrs, count * sizeof(*copy));
    record->addrs = copy;
    record->addr_count = count;
    record->expires_ns = expiry(dns->config.ttl_ns);
}

static void answer(struct rl_dns *dns, struct rl_dns_record *record, const struct rl_addr *addrs,
                   size_t count)
{
    struct rl_list *node;

    while ((node = rl_list_pop(&record->asks)) != NULL) {
        struct rl_dns_ask *ask = rl_container_of(node, struct rl_dns_ask, link);

        ask->status = count == 0 ? RL_ENOTFOUND : 0;
        if (count > 0)
            ask->addr = pick(dns, record, addrs, count);
        ask->answered(ask);
    }
}

/* Called and returns with the mutex held; lets go of it to ask. */
static void look_up(struct resolver *resolver, struct rl_dns_record *record)
{
    struct rl_dns *dns = resolver->dns;
    struct rl_addr addrs[RL_DNS_ADDRESSES];
    const char *why = NULL;
    size_t count;

    resolver->busy = true;
    pthread_mutex_unlock(&dns->mutex);
    count = dns->config.lookup(dns->config.lookup_ctx, record->host,
                               wanted_family(dns->config.policy), addrs, RL_DNS_ADDRESSES, &why);
    count = rl_dns_filter(dns->config.policy, addrs, count);
    pthread_mutex_lock(&dns->mutex);
    resolver->busy = false;
    record->looking = false;
    record->why = why;
    store(dns, record, addrs, count);
    answer(dns, record, addrs, count);
}

static void destroy(struct rl_dns *dns)
{
    rl_dns_table_fini(&dns->table);
    pthread_mutex_destroy(&dns->mutex);
    pthread_cond_destroy(&dns->work);
    free(dns);
}

static struct rl_dns_record *next_queued(struct rl_dns *dns)
{
    struct rl_list *node;

    dns->idle_count++;
    while (!dns->closing && rl_list_empty(&dns->queue))
        pthread_cond_wait(&dns->work, &dns->mutex);
    dns->idle_count--;
    node = dns->closing ? NULL : rl_list_pop(&dns->queue);
    if (node == NULL)
        return NULL;
    dns->queued_count--;
    return rl_container_of(node, struct rl_dns_record, queued);
}

static void *resolver_thread(void *arg)
{
    struct resolver *resolver = arg;
    struct rl_dns *dns = resolver->dns;
    struct rl_dns_record *record;
    bool last;

    pthread_mutex_lock(&dns->mutex);
    while ((record = next_queued(dns)) != NULL)
        look_up(resolver, record);
    last = --dns->thread_count == 0 && dns->orphan;
    pthread_mutex_unlock(&dns->mutex);
    if (last)
        destroy(dns);
    return NULL;
}

/* Signals are for the threads that expect them. 0 or -errno. */
static int start_thread(struct rl_dns *dns)
{
    struct resolver *resolver = &dns->resolvers[dns->started_count];
    pthread_attr_t attr;
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    resolver->dns = dns;
    error = pthread_create(&resolver->thread, &attr, resolver_thread, resolver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (error != 0)
        return -error;
    dns->started_count++;
    dns->thread_count++;
    return 0;
}

/* A thread will take record; 0 or -errno. */
static int queue(struct rl_dns *dns, struct rl_dns_record *record)
{
    if (dns->queued_count >= dns->idle_count && dns->thread_count < RL_DNS_THREADS) {
        int status = start_thread(dns);

        if (status < 0 && dns->thread_count == 0)
            return status;
    }
    record->looking = true;
    rl_list_push(&dns->queue, &record->queued);
    dns->queued_count++;
    pthread_cond_signal(&dns->work);
    return 0;
}

struct rl_dns *rl_dns_new(const struct rl_dns_config *config)
{
    struct rl_dns *dns = calloc(1, sizeof(*dns));

    if (dns == NULL || rl_dns_table_init(&dns->table, RL_DNS_RECORDS) < 0) {
        free(dns);
        return NULL;
    }
    dns->config = *config;
    if (dns->config.lookup == NULL)
        dns->config.lookup = ask_system;
    pthread_mutex_init(&dns->mutex, NULL);
    pthread_cond_init(&dns->work, NULL);
    rl_list_init(&dns->queue);
    rl_rng_init(&dns->rng, rl_clock_wall_ns());
    return dns;
}

/* All threads but those that are busy are waited for: what the system's resolver keeps of a thread goes with its end. */
static void end_threads(struct rl_dns *dns)
{
    pthread_t idle[RL_DNS_THREADS];
    unsigned count = 0;

    pthread_mutex_lock(&dns->mutex);
    dns->closing = true;
    pthread_cond_broadcast(&dns->work);
    for (unsigned i = 0; i < dns->started_count; i++) {
        if (dns->resolvers[i].busy)
            pthread_detach(dns->resolvers[i].thread);
        else
            idle[count++] = dns->resolvers[i].thread;
    }
    pthread_mutex_unlock(&dns->mutex);
    while (count > 0)
        pthread_join(idle[--count], NULL);
}

void rl_dns_free(struct rl_dns *dns)
{
    bool last;

    if (dns == NULL)
        return;
    end_threads(dns);
    pthread_mutex_lock(&dns->mutex);
    last = dns->thread_count == 0;
    dns->orphan = true;
    pthread_mutex_unlock(&dns->mutex);
    if (last)
        destroy(dns);
}

bool rl_dns_cached(struct rl_dns *dns, const char *host, uint64_t now_ns, struct rl_addr *addr)
{
    struct rl_dns_record *record;
    bool found;

    pthread_mutex_lock(&dns->mutex);
    record = rl_dns_table_find(&dns->table, host);
    found = record != NULL && now_ns < record->expires_ns;
    if (found)
        *addr = pick(dns, record, record->addrs, record->addr_count);
    pthread_mutex_unlock(&dns->mutex);
    return found;
}

int rl_dns_ask(struct rl_dns *dns, const char *host, struct rl_dns_ask *ask)
{
    struct rl_dns_record *record;
    int status = 0;

    rl_list_init(&ask->link);
    pthread_mutex_lock(&dns->mutex);
    record = rl_dns_table_need(&dns->table, host);
    if (record == NULL)
        status = -ENOMEM;
    else if (!record->looking)
        status = queue(dns, record);
    if (status == 0)
        rl_list_push(&record->asks, &ask->link);
    pthread_mutex_unlock(&dns->mutex);
    return status;
}

bool rl_dns_forget(struct rl_dns *dns, struct rl_dns_ask *ask)
{
    bool waiting;

    pthread_mutex_lock(&dns->mutex);
    waiting = !rl_list_empty(&ask->link);
    rl_list_remove(&ask->link);
    pthread_mutex_unlock(&dns->mutex);
    return waiting;
}

void rl_dns_refuse(struct rl_dns *dns, const char *host, const struct rl_addr *addr)
{
    struct rl_dns_record *record;

    pthread_mutex_lock(&dns->mutex);
    record = rl_dns_table_find(&dns->table, host);
    if (record != NULL)
        record->refused = *addr;
    pthread_mutex_unlock(&dns->mutex);
}

bool rl_dns_refused(struct rl_dns *dns, const char *host, struct rl_addr *addr)
{
    struct rl_dns_record *record;
    bool found;

    pthread_mutex_lock(&dns->mutex);
    record = rl_dns_table_find(&dns->table, host);
    found = record != NULL && record->refused.family != 0;
    if (found)
        *addr = record->refused;
    pthread_mutex_unlock(&dns->mutex);
    return found;
}

const char *rl_dns_why(struct rl_dns *dns, const char *host)
{
    struct rl_dns_record *record;
    const char *why;

    pthread_mutex_lock(&dns->mutex);
    record = rl_dns_table_find(&dns->table, host);
    why = record == NULL ? NULL : record->why;
    pthread_mutex_unlock(&dns->mutex);
    return why;
}
