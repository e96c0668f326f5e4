/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/modes.h"

#include <string.h>

#include "serve/serve.h"

enum { SOURCE_PIECE = 64 * 1024, SOURCE_AHEAD = 256 * 1024, BURST_BYTES = 10000 };

/* What is sent where the content does not matter: zeroed, shared by all. */
static const uint8_t filler[SOURCE_PIECE];

/* --- Useful servers. --- */

static void echo_data(struct rl_session *session, struct rl_slice view)
{
    rl_session_send(session, view);
}

/* Keep enough with the kernel that it never runs dry within a turn, and no more. */
static void source_more(struct rl_session *session)
{
    while (rl_conn_pending(session->conn) < SOURCE_AHEAD) {
        if (rl_conn_send(session->conn, rl_slice_of(filler, SOURCE_PIECE)) < 0)
            return;
    }
}

#define HTTP_PROBLEM(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static struct rl_slice http_problem(uint16_t code)
{
    switch (code) {
    case 411:
        return rl_slice_str(HTTP_PROBLEM("411 Length Required"));
    case 431:
        return rl_slice_str(HTTP_PROBLEM("431 Request Header Fields Too Large"));
    default:
        return rl_slice_str(HTTP_PROBLEM("400 Bad Request"));
    }
}

#define HTTP_OK "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"

static struct rl_slice http_answer(const struct rl_http_head *head)
{
    static const char *const answers[2][3] = {
        {HTTP_OK "\r\nok\n", HTTP_OK "Connection: close\r\n\r\nok\n",
         HTTP_OK "Connection: keep-alive\r\n\r\nok\n"},
        {HTTP_OK "\r\n", HTTP_OK "Connection: close\r\n\r\n",
         HTTP_OK "Connection: keep-alive\r\n\r\n"},
    };

    return rl_slice_str(answers[head->is_head][head->wants_end ? 1 : head->is_old ? 2 : 0]);
}

static void http_data(struct rl_session *session, struct rl_slice view)
{
    enum rl_http_event event = RL_HTTP_REQUEST;
    size_t used;

    while (view.size > 0 && event == RL_HTTP_REQUEST) {
        event = rl_http_feed(&session->http, view, &used);
        view = rl_slice_of(view.data + used, view.size - used);
        if (event != RL_HTTP_REQUEST)
            break;
        rl_serve_count(&rl_session_counts(session)->requests, 1);
        rl_session_send(session, http_answer(&session->http));
        if (session->http.wants_end) {
            rl_session_finish(session);
            return;
        }
    }
    if (event == RL_HTTP_BAD) {
        rl_session_send(session, http_problem(session->http.problem));
        rl_session_finish(session);
    }
}

/* --- Peers with bad manners. --- */

static void rst_opened(struct rl_session *session)
{
    rl_session_abort(session);
}

static void fin_opened(struct rl_session *session)
{
    rl_session_close(session);
}

static void rst_data(struct rl_session *session, struct rl_slice view)
{
    (void)view;
    rl_session_abort(session);
}

static void fin_after_reply_data(struct rl_session *session, struct rl_slice view)
{
    rl_session_send(session, view);
    rl_session_finish(session);
}

static void burst_opened(struct rl_session *session)
{
    rl_session_send(session, rl_slice_of(filler, BURST_BYTES));
}

/* --- The table. --- */

static const struct rl_serve_mode modes[] = {
    {.name = "echo", .help = "sends back what it gets", .data = echo_data},
    {.name = "sink", .help = "reads and counts, sends nothing"},
    {.name = "source",
     .help = "sends zeros for as long as the peer reads",
     .opened = source_more,
     .more = source_more},
    {.name = "http", .help = "answers every HTTP/1 request with a small 200", .data = http_data},
    {.name = "silent", .help = "as sink: a peer that never answers"},
    {.name = "burst", .help = "sends 10,000 bytes at once, then reads", .opened = burst_opened},
    {.name = "fin", .help = "closes as soon as it has accepted", .opened = fin_opened},
    {.name = "fin-after-reply", .help = "echoes once, then closes", .data = fin_after_reply_data},
    {.name = "rst", .help = "resets at the first byte", .data = rst_data},
    {.name = "rst-at-once", .help = "resets as soon as it has accepted", .opened = rst_opened},
    {.name = "never-read", .help = "accepts and never reads", .holds = true},
};

const struct rl_serve_mode *rl_serve_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    }
    return NULL;
}

bool rl_serve_mode_at(size_t index, const char **name, const char **help)
{
    if (index >= sizeof(modes) / sizeof(modes[0]))
        return false;
    *name = modes[index].name;
    *help = modes[index].help;
    return true;
}
