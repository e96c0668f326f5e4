/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/http_head.h"

#include <string.h>
#include <strings.h>

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The last bytes of a line, however long it is. */
static void keep_tail(struct rl_http_head *head, const uint8_t *data, size_t size)
{
    size_t kept = lesser(head->tail_bytes, RL_HTTP_LINE_TAIL - lesser(size, RL_HTTP_LINE_TAIL));
    size_t added = lesser(size, RL_HTTP_LINE_TAIL);

    memmove(head->tail, head->tail + head->tail_bytes - kept, kept);
    memcpy(head->tail + kept, data + size - added, added);
    head->tail_bytes = (uint8_t)(kept + added);
}

static void add_to_line(struct rl_http_head *head, const uint8_t *data, size_t size)
{
    size_t room = RL_HTTP_LINE_START - head->start_bytes;

    memcpy(head->start + head->start_bytes, data, lesser(size, room));
    head->start_bytes = (uint8_t)(head->start_bytes + lesser(size, room));
    keep_tail(head, data, size);
    head->line_bytes += (uint32_t)size;
}

static void drop_return(struct rl_http_head *head)
{
    if (head->tail_bytes == 0 || head->tail[head->tail_bytes - 1] != '\r')
        return;
    head->tail_bytes--;
    if (head->start_bytes == head->line_bytes)
        head->start_bytes--;
    head->line_bytes--;
}

static bool ends_with(const struct rl_http_head *head, const char *text)
{
    size_t size = strlen(text);

    return head->tail_bytes >= size &&
           memcmp(head->tail + head->tail_bytes - size, text, size) == 0;
}

static uint16_t read_request_line(struct rl_http_head *head)
{
    head->has_request_line = true;
    head->is_head = head->start_bytes >= 5 && memcmp(head->start, "HEAD ", 5) == 0;
    head->is_old = ends_with(head, " HTTP/1.0");
    head->wants_end = head->is_old;
    return head->is_old || ends_with(head, " HTTP/1.1") ? 0 : 400;
}

/* The value of the line if it is the field name (which ends in ":"), without blanks before and
 * behind; NULL if it is another field. */
static const char *field(struct rl_http_head *head, const char *name, size_t *size)
{
    size_t from = strlen(name), to = head->start_bytes;

    if (to < from || strncasecmp(head->start, name, from) != 0)
        return NULL;
    while (from < to && (head->start[from] == ' ' || head->start[from] == '\t'))
        from++;
    while (to > from && (head->start[to - 1] == ' ' || head->start[to - 1] == '\t'))
        to--;
    *size = to - from;
    return head->start + from;
}

static bool is_word(const char *value, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(value, word, size) == 0;
}

static uint16_t read_length(struct rl_http_head *head, const char *value, size_t size)
{
    uint64_t length = 0;

    if (size == 0 || size > 18)
        return 400;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return 400;
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    head->body_bytes = length;
    return 0;
}

static uint16_t read_field(struct rl_http_head *head)
{
    const char *value;
    size_t size;

    if ((value = field(head, "Content-Length:", &size)) != NULL)
        return read_length(head, value, size);
    if (field(head, "Transfer-Encoding:", &size) != NULL)
        return 411;
    if ((value = field(head, "Connection:", &size)) != NULL) {
        head->wants_alive = is_word(value, size, "keep-alive");
        head->wants_end = is_word(value, size, "close") || (head->is_old && !head->wants_alive);
    }
    return 0;
}

/* True: the head is complete. */
static bool end_line(struct rl_http_head *head)
{
    bool empty;

    drop_return(head);
    empty = head->line_bytes == 0;
    if (!empty)
        head->problem = head->has_request_line ? read_field(head) : read_request_line(head);
    head->line_bytes = 0;
    head->start_bytes = head->tail_bytes = 0;
    return empty && head->has_request_line; /* empty lines before a request are to be ignored */
}

/* One line, or what there is of it. */
static enum rl_http_event feed_line(struct rl_http_head *head, struct rl_slice data, size_t *used)
{
    const uint8_t *end = memchr(data.data, '\n', data.size);
    size_t size = end == NULL ? data.size : (size_t)(end - data.data);

    *used = end == NULL ? size : size + 1;
    head->head_bytes += (uint32_t)*used;
    if (head->head_bytes > RL_HTTP_HEAD_MAX) {
        head->problem = 431;
        return RL_HTTP_BAD;
    }
    add_to_line(head, data.data, size);
    if (end != NULL)
        head->in_body = end_line(head);
    return head->problem != 0 ? RL_HTTP_BAD : RL_HTTP_MORE;
}

enum rl_http_event rl_http_feed(struct rl_http_head *head, struct rl_slice data, size_t *used)
{
    enum rl_http_event event = RL_HTTP_MORE;
    size_t size;

    *used = 0;
    if (head->in_body && head->body_bytes == 0)
        memset(head, 0, sizeof(*head));
    while (event == RL_HTTP_MORE && *used < data.size && !head->in_body) {
        event = feed_line(head, rl_slice_of(data.data + *used, data.size - *used), &size);
        *used += size;
    }
    if (event != RL_HTTP_MORE || !head->in_body)
        return event;
    size = head->body_bytes < data.size - *used ? (size_t)head->body_bytes : data.size - *used;
    head->body_bytes -= size;
    *used += size;
    return head->body_bytes == 0 ? RL_HTTP_REQUEST : RL_HTTP_MORE;
}
