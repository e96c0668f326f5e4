/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log - levelled lines on stderr (or a file): the only way anything but results is told.
 *
 * Text to a pipe:   time="2026-01-31T12:00:00Z" level=info msg="..." key=value
 * Text to a TTY:    INFO[0003] ...   key=value
 * JSON:             {"time":..., "level":..., "msg":..., "key":"value"}
 *
 * Repeats: rl_log_limited prints the first lines of each kind a second and counts the rest; the
 * count is told with the next line of that kind, or at rl_log_close. Any thread; each line is one
 * write. A live progress area (rl_log_set_hooks) is cleared before a line and painted again after.
 */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum rl_log_level { RL_LOG_ERROR, RL_LOG_WARN, RL_LOG_INFO, RL_LOG_DEBUG };
enum rl_log_format { RL_LOG_TEXT, RL_LOG_JSON, RL_LOG_RAW };

struct rl_log_field {
    const char *key, *value;
};

struct rl_log_config {
    FILE *stream;            /* NULL: no log at all */
    enum rl_log_level level; /* the least important that is printed */
    enum rl_log_format format;
    bool tty, color;
};

/* Before the first line; copies config. Without it: stderr, info, text. */
void rl_log_open(const struct rl_log_config *config);

/* Tell what was suppressed, flush. */
void rl_log_close(void);

bool rl_log_enabled(enum rl_log_level level);

/* fields: ended by {NULL, NULL}, or NULL for none. */
void rl_log_fields(enum rl_log_level level, const struct rl_log_field *fields, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

/* As rl_log_fields, but at most a few lines a second of the same kind (kind: compared by content).
 */
void rl_log_limited(enum rl_log_level level, const char *kind, const struct rl_log_field *fields,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#define rl_log_error(...) rl_log_fields(RL_LOG_ERROR, NULL, __VA_ARGS__)
#define rl_log_warn(...) rl_log_fields(RL_LOG_WARN, NULL, __VA_ARGS__)
#define rl_log_info(...) rl_log_fields(RL_LOG_INFO, NULL, __VA_ARGS__)
#define rl_log_debug(...)                                                                          \
    (rl_log_enabled(RL_LOG_DEBUG) ? rl_log_fields(RL_LOG_DEBUG, NULL, __VA_ARGS__) : (void)0)

/* Called around each line by whoever logs, under the log's lock: clear and repaint. NULL: none. */
void rl_log_set_hooks(void (*before)(void *ctx), void (*after)(void *ctx), void *ctx);

/* How many lines of each level were asked for (printed or suppressed). */
unsigned long rl_log_count(enum rl_log_level level);

#endif
