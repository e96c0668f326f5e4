/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http_head - where an HTTP/1 request ends, and what its answer must obey.
 *
 * Fed with whatever arrives; keeps the beginning and the end of the current line and no more, so a
 * head may be split anywhere. Bodies are skipped by Content-Length. At most RL_HTTP_HEAD_MAX bytes
 * of head.
 *
 * Pure; zeroed memory is a fresh one.
 */
#ifndef RL_SERVE_HTTP_HEAD_H
#define RL_SERVE_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { RL_HTTP_HEAD_MAX = 64 * 1024, RL_HTTP_LINE_START = 48, RL_HTTP_LINE_TAIL = 12 };

enum rl_http_event {
    RL_HTTP_MORE,    /* all was used, the request goes on */
    RL_HTTP_REQUEST, /* a whole request, with its body */
    RL_HTTP_BAD,     /* not HTTP/1, or a body that we cannot skip; answer rl_http_head.problem */
};

struct rl_http_head {
    uint64_t body_bytes; /* still to skip */
    uint32_t head_bytes, line_bytes;
    uint16_t problem; /* 400, 411, 431 */
    bool in_body, has_request_line;
    bool is_head;     /* the method: no body in the answer */
    bool is_old;      /* HTTP/1.0 */
    bool wants_end;   /* the connection closes after the answer */
    bool wants_alive; /* said so */
    uint8_t start_bytes, tail_bytes;
    char start[RL_HTTP_LINE_START], tail[RL_HTTP_LINE_TAIL];
};

/* *used: bytes of data that belong to this request. After RL_HTTP_REQUEST the head tells about it until
 * the next call, which begins a new one. */
enum rl_http_event rl_http_feed(struct rl_http_head *head, struct rl_slice data, size_t *used);

#endif
