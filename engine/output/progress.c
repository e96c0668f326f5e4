/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/progress.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define TTY_PERIOD_NS (100 * RL_NS_PER_MS)
#define PLAIN_PERIOD_NS RL_NS_PER_S

enum { DEFAULT_COLUMNS = 80 };

void rl_progress_init(struct rl_progress *progress, int fd, bool tty, bool color)
{
    *progress = (struct rl_progress){.fd = fd, .tty = tty, .color = color};
    pthread_mutex_init(&progress->lock, NULL);
    rl_buf_init(&progress->shown, 0);
}

void rl_progress_fini(struct rl_progress *progress)
{
    pthread_mutex_destroy(&progress->lock);
    rl_buf_fini(&progress->shown);
}

/* Progress that cannot be written is not worth ending a run: whatever fails is given up. */
static void write_all(int fd, const struct rl_buf *buf)
{
    struct rl_slice left = rl_buf_view(buf);

    while (left.size > 0) {
        ssize_t written = write(fd, left.data, left.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        left.data += written;
        left.size -= (size_t)written;
    }
}

/* The terminal may be resized at any time, so it is asked at each paint. */
static struct winsize terminal_size(const struct rl_progress *progress)
{
    struct winsize size;

    if (ioctl(progress->fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return (struct winsize){.ws_col = DEFAULT_COLUMNS};
    return size;
}

/* Rows that text takes, written from the first column: what a narrower terminal has wrapped since
 * counts twice. Escape sequences have no width. */
static size_t rows_of(struct rl_slice text, size_t columns)
{
    size_t rows = 1, width = 0;

    if (text.data == NULL)
        return rows;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte == '\x1b') {
            while (i < text.size && text.data[i] != 'm')
                i++;
        } else if (byte == '\n') {
            rows++;
            width = 0;
        } else if ((byte & 0xc0) != 0x80 && ++width > columns) {
            rows++;
            width = 1;
        }
    }
    return rows;
}

/* To the first column of the first row of what is shown. */
static void put_home(const struct rl_progress *progress, size_t columns, struct rl_buf *out)
{
    size_t rows = rows_of(rl_buf_view(&progress->shown), columns);

    rl_buf_append(out, "\r", 1);
    if (rows > 1)
        rl_buf_printf(out, "\x1b[%zuA", rows - 1);
}

/* All of it in one write, so that a slow terminal does not show half of it. */
static void put_lines(const struct rl_progress *progress, struct rl_buf *out)
{
    struct rl_slice text = rl_buf_view(&progress->shown);

    for (size_t i = 0; text.data != NULL && i < text.size; i++) {
        if (text.data[i] == '\n')
            rl_buf_append(out, "\x1b[K", 3); /* the rest of an older, longer line */
        rl_buf_append(out, &text.data[i], 1);
    }
    rl_buf_append(out, "\x1b[J", 3);
}

/* Make state's lines the ones to show. */
static void replace(struct rl_progress *progress, const struct rl_progress_state *state,
                    const struct rl_progress_look *look)
{
    rl_buf_consume(&progress->shown, rl_buf_size(&progress->shown));
    (void)rl_progress_text(state, look, &progress->shown);
}

static void paint(struct rl_progress *progress, const struct rl_progress_state *state, bool last)
{
    struct rl_progress_look look = {.bars = progress->tty, .color = progress->color};
    struct winsize size = terminal_size(progress);
    struct rl_buf out;

    rl_buf_init(&out, 0);
    if (progress->tty) {
        look.columns = size.ws_col > 1 ? size.ws_col - 1U : 1; /* the last one is slow to wrap */
        look.rows = size.ws_row;
        if (progress->visible)
            put_home(progress, size.ws_col, &out);
        if (state != NULL)
            replace(progress, state, &look);
        put_lines(progress, &out);
    } else {
        if (state != NULL)
            replace(progress, state, &look);
        rl_buf_append(&out, "\n", 1);
        rl_buf_append(&out, progress->shown.data + progress->shown.start,
                      rl_buf_size(&progress->shown));
    }
    if (last || !progress->tty)
        rl_buf_append(&out, "\n", 1);
    write_all(progress->fd, &out);
    rl_buf_fini(&out);
    progress->visible = progress->wanted = progress->tty && !last;
}

static void hide(struct rl_progress *progress)
{
    struct rl_buf out;

    if (!progress->visible)
        return;
    rl_buf_init(&out, 0);
    put_home(progress, terminal_size(progress).ws_col, &out);
    rl_buf_append(&out, "\x1b[J", 3);
    write_all(progress->fd, &out);
    rl_buf_fini(&out);
    progress->visible = false;
}

bool rl_progress_due(const struct rl_progress *progress, uint64_t now_ns)
{
    return now_ns >= progress->next_ns;
}

void rl_progress_tick(struct rl_progress *progress, const struct rl_progress_state *state,
                      uint64_t now_ns)
{
    bool first = progress->next_ns == 0;

    if (!rl_progress_due(progress, now_ns))
        return;
    progress->next_ns = now_ns + (progress->tty ? TTY_PERIOD_NS : PLAIN_PERIOD_NS);
    if (first && !progress->tty)
        return; /* lines that stay are for what lasts: the first one after a second */
    pthread_mutex_lock(&progress->lock);
    paint(progress, state, false);
    pthread_mutex_unlock(&progress->lock);
}

void rl_progress_clear(struct rl_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    hide(progress);
    progress->wanted = false;
    pthread_mutex_unlock(&progress->lock);
}

void rl_progress_end(struct rl_progress *progress, const struct rl_progress_state *state)
{
    pthread_mutex_lock(&progress->lock);
    paint(progress, state, true);
    pthread_mutex_unlock(&progress->lock);
}

void rl_progress_before_log(void *ctx)
{
    struct rl_progress *progress = ctx;

    pthread_mutex_lock(&progress->lock);
    hide(progress);
    pthread_mutex_unlock(&progress->lock);
}

void rl_progress_after_log(void *ctx)
{
    struct rl_progress *progress = ctx;

    pthread_mutex_lock(&progress->lock);
    if (progress->wanted)
        paint(progress, NULL, false);
    pthread_mutex_unlock(&progress->lock);
}
