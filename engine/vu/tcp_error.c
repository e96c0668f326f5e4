/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error object without its language: text, log line, counting. */
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/status.h"
#include "vu/socket_impl.h"

const char *rl_method_name(enum rl_method method)
{
    static const char *const names[] = {"connect", "read", "write", "start_tls"};

    return names[method];
}

const char *rl_event_name(enum rl_event event)
{
    static const char *const names[] = {
        [RL_EVENT_DATA] = "data", [RL_EVENT_CONNECT] = "connect", [RL_EVENT_TIMEOUT] = "timeout",
        [RL_EVENT_ERROR] = "error", [RL_EVENT_CLOSE] = "close",
    };

    return names[event];
}

void rl_tcp_error_set(struct rl_tcp_error *error, enum rl_method method, int status,
                      const char *format, ...)
{
    va_list args;

    error->method = method;
    error->status = status;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
}

void rl_tcp_error_format(const struct rl_tcp_error *error, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "TCP error during %s: %s", rl_method_name(error->method),
             error->message);
}

void rl_conn_pair(struct rl_conn *conn, char out[RL_PAIR_TEXT])
{
    char local[RL_ADDR_TEXT], peer[RL_ADDR_TEXT];

    rl_addr_format(rl_conn_local(conn), local);
    rl_addr_format(&conn->peer, peer);
    snprintf(out, RL_PAIR_TEXT, "%s->%s", local, peer);
}

void rl_tcp_error_note(struct rl_vu *vu, const struct rl_tcp_error *error)
{
    const char *method = rl_method_name(error->method), *code = rl_status_code(error->status);
    const struct rl_log_field fields[] = {
        {"module", "tcp"}, {"method", method}, {"error", error->message}, {"code", code}, {NULL, NULL}};
    char kind[48];

    rl_causes_add(&vu->env->causes, error->method, error->status, 1);
    snprintf(kind, sizeof(kind), "tcp %s %s", method, code);
    rl_log_limited(RL_LOG_ERROR, kind, fields, "TCP %s failed", method);
}

void rl_socket_log_debug(const struct rl_socket *socket, const char *format, ...)
{
    char text[256], vu[16];
    const struct rl_log_field fields[] = {{"module", "tcp"}, {"vu", vu}, {NULL, NULL}};
    va_list args;

    snprintf(vu, sizeof(vu), "%u", socket->vu->id);
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rl_log_fields(RL_LOG_DEBUG, fields, "%s", text);
}
