/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"

enum {
    LEVEL_COUNT = RL_LOG_DEBUG + 1,
    KINDS_MAX = 128,      /* any more share one allowance */
    LINES_PER_SECOND = 5, /* of one kind */
    MESSAGE_COLUMNS = 44, /* fields line up behind it on a terminal */
    NOTHING = -1,         /* a level that no line has */
};

enum escaping { FOR_QUOTES, FOR_JSON, FOR_TERMINAL };

struct level_style {
    const char *name, *abbreviation, *color;
};

static const struct level_style styles[LEVEL_COUNT] = {
    [RL_LOG_ERROR] = {"error", "ERRO", "\033[31m"},
    [RL_LOG_WARN] = {"warning", "WARN", "\033[33m"},
    [RL_LOG_INFO] = {"info", "INFO", "\033[36m"},
    [RL_LOG_DEBUG] = {"debug", "DEBU", "\033[37m"},
};

/* How many lines of a kind were printed in its current second, and how many were not since. */
struct kind {
    char *name; /* NULL: what found no place of its own */
    enum rl_log_level level;
    uint64_t second;
    unsigned printed;
    unsigned long suppressed;
};

static struct {
    pthread_mutex_t lock; /* of all but level and counts */
    struct rl_log_config config;
    bool opened;
    uint64_t start_ns;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
    void (*before)(void *ctx);
    void (*after)(void *ctx);
    void *hook_ctx;
    _Atomic int level;
    _Atomic unsigned long counts[LEVEL_COUNT];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = RL_LOG_INFO};

static void put(struct rl_buf *line, const char *text)
{
    rl_buf_append(line, text, strlen(text));
}

/* The length of the UTF-8 sequence at data, 0 if it is malformed. */
static size_t utf8_length(const uint8_t *data, size_t size)
{
    uint8_t first = data[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((first == 0xe0 && data[1] < 0xa0) || (first == 0xed && data[1] > 0x9f) ||
        (first == 0xf0 && data[1] < 0x90) || (first == 0xf4 && data[1] > 0x8f))
        return 0;
    return length;
}

/* One byte that cannot stand as it is: a server's bytes must not drive the terminal. */
static void put_byte(struct rl_buf *line, uint8_t byte, enum escaping how)
{
    if (how == FOR_TERMINAL && (byte == '\n' || byte == '\t'))
        rl_buf_append(line, &byte, 1);
    else if (byte == '\n' || byte == '\r' || byte == '\t')
        put(line, byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t");
    else if (byte == '"' || byte == '\\')
        rl_buf_printf(line, "\\%c", byte);
    else if (how != FOR_JSON)
        rl_buf_printf(line, "\\x%02x", byte);
    else if (byte < 0x80)
        rl_buf_printf(line, "\\u%04x", byte);
    else
        put(line, "\xef\xbf\xbd"); /* the replacement character */
}

static bool must_escape(uint8_t byte, enum escaping how)
{
    return byte < 0x20 || byte == 0x7f || (how != FOR_TERMINAL && (byte == '"' || byte == '\\'));
}

static void put_text(struct rl_buf *line, const char *text, enum escaping how)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t size = strlen(text);

    while (size > 0) {
        size_t length = utf8_length(data, size);

        if (length == 0 || (length == 1 && must_escape(data[0], how))) {
            put_byte(line, data[0], how);
            length = 1;
        } else {
            rl_buf_append(line, data, length);
        }
        data += length;
        size -= length;
    }
}

static void put_quoted(struct rl_buf *line, const char *text, enum escaping how)
{
    put(line, "\"");
    put_text(line, text, how);
    put(line, "\"");
}

/* A field's value: in quotes only if it would be misread without. */
static void put_value(struct rl_buf *line, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._/@^+:,";

    if (value[0] != '\0' && strspn(value, plain) == strlen(value))
        put(line, value);
    else
        put_quoted(line, value, FOR_QUOTES);
}

static void put_time(struct rl_buf *line)
{
    time_t now = (time_t)(rl_clock_wall_ns() / RL_NS_PER_S);
    struct tm parts;
    char text[64];

    gmtime_r(&now, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    put(line, text);
}

static void compose_json(struct rl_buf *line, enum rl_log_level level, const char *message,
                         const struct rl_log_field *fields)
{
    put(line, "{\"time\":\"");
    put_time(line);
    rl_buf_printf(line, "\",\"level\":\"%s\",\"msg\":", styles[level].name);
    put_quoted(line, message, FOR_JSON);
    for (; fields->key != NULL; fields++) {
        put(line, ",");
        put_quoted(line, fields->key, FOR_JSON);
        put(line, ":");
        put_quoted(line, fields->value, FOR_JSON);
    }
    put(line, "}");
}

static void compose_text(struct rl_buf *line, enum rl_log_level level, const char *message,
                         const struct rl_log_field *fields)
{
    put(line, "time=\"");
    put_time(line);
    rl_buf_printf(line, "\" level=%s msg=", styles[level].name);
    put_quoted(line, message, FOR_QUOTES);
    for (; fields->key != NULL; fields++) {
        rl_buf_printf(line, " %s=", fields->key);
        put_value(line, fields->value);
    }
}

static void compose_tty(struct rl_buf *line, enum rl_log_level level, const char *message,
                        const struct rl_log_field *fields)
{
    const char *on = logger.config.color ? styles[level].color : "";
    const char *off = logger.config.color ? "\033[0m" : "";
    unsigned long long seconds = (rl_clock_ns() - logger.start_ns) / RL_NS_PER_S;
    size_t columns = strlen(message);

    rl_buf_printf(line, "%s%s%s[%04llu] ", on, styles[level].abbreviation, off, seconds);
    put_text(line, message, FOR_TERMINAL);
    for (; columns < MESSAGE_COLUMNS && fields->key != NULL; columns++)
        put(line, " ");
    for (; fields->key != NULL; fields++) {
        rl_buf_printf(line, " %s%s%s=", on, fields->key, off);
        put_value(line, fields->value);
    }
}

/* Under the lock. */
static void print_line(enum rl_log_level level, const char *message,
                       const struct rl_log_field *fields)
{
    static const struct rl_log_field none = {NULL, NULL};
    FILE *stream = logger.opened ? logger.config.stream : stderr;
    struct rl_buf line;

    if (stream == NULL)
        return;
    if (fields == NULL)
        fields = &none;
    rl_buf_init(&line, 0);
    if (logger.config.format == RL_LOG_JSON)
        compose_json(&line, level, message, fields);
    else if (logger.config.format == RL_LOG_RAW)
        put(&line, message);
    else if (logger.config.tty)
        compose_tty(&line, level, message, fields);
    else
        compose_text(&line, level, message, fields);
    put(&line, "\n");
    if (logger.before != NULL)
        logger.before(logger.hook_ctx);
    fwrite(rl_buf_view(&line).data, 1, rl_buf_size(&line), stream);
    fflush(stream);
    if (logger.after != NULL)
        logger.after(logger.hook_ctx);
    rl_buf_fini(&line);
}

/* fields, and behind them how many lines were kept back if any were. */
__attribute__((format(printf, 4, 0))) static void log_line(enum rl_log_level level,
                                                           const struct rl_log_field *fields,
                                                           unsigned long suppressed,
                                                           const char *format, va_list args)
{
    struct rl_log_field extended[32];
    char count[24], *message;
    size_t n = 0;

    if (vasprintf(&message, format, args) < 0)
        return; /* memory is out; the counts still tell */
    if (suppressed > 0) {
        for (; fields != NULL && fields[n].key != NULL && n < 30; n++)
            extended[n] = fields[n];
        snprintf(count, sizeof(count), "%lu", suppressed);
        extended[n++] = (struct rl_log_field){"suppressed", count};
        extended[n] = (struct rl_log_field){NULL, NULL};
        fields = extended;
    }
    pthread_mutex_lock(&logger.lock);
    print_line(level, message, fields);
    pthread_mutex_unlock(&logger.lock);
    free(message);
}

/* Under the lock. */
static struct kind *find_kind(const char *name)
{
    struct kind *kind;

    for (size_t i = 0; i < logger.kind_count; i++) {
        if (logger.kinds[i].name != NULL && strcmp(logger.kinds[i].name, name) == 0)
            return &logger.kinds[i];
    }
    if (logger.kind_count == KINDS_MAX)
        return &logger.kinds[KINDS_MAX - 1];
    kind = &logger.kinds[logger.kind_count++];
    *kind = (struct kind){.name = logger.kind_count == KINDS_MAX ? NULL : strdup(name)};
    return kind;
}

/* Whether one more line of this kind may be printed; then *suppressed is what it has to tell. */
static bool admit(enum rl_log_level level, const char *name, unsigned long *suppressed)
{
    uint64_t second = rl_clock_ns() / RL_NS_PER_S;
    struct kind *kind;
    bool admitted;

    pthread_mutex_lock(&logger.lock);
    kind = find_kind(name);
    kind->level = level;
    if (kind->second != second) {
        kind->second = second;
        kind->printed = 0;
    }
    admitted = kind->printed < LINES_PER_SECOND;
    if (admitted) {
        kind->printed++;
        *suppressed = kind->suppressed;
        kind->suppressed = 0;
    } else {
        kind->suppressed++;
    }
    pthread_mutex_unlock(&logger.lock);
    return admitted;
}

void rl_log_open(const struct rl_log_config *config)
{
    pthread_mutex_lock(&logger.lock);
    logger.config = *config;
    logger.opened = true;
    logger.start_ns = rl_clock_ns();
    atomic_store(&logger.level, config->stream == NULL ? NOTHING : (int)config->level);
    pthread_mutex_unlock(&logger.lock);
}

void rl_log_close(void)
{
    char message[256];

    pthread_mutex_lock(&logger.lock);
    for (size_t i = 0; i < logger.kind_count; i++) {
        struct kind *kind = &logger.kinds[i];

        if (kind->suppressed > 0) {
            snprintf(message, sizeof(message), "%lu more lines of this kind were not printed: %s",
                     kind->suppressed, kind->name == NULL ? "others" : kind->name);
            print_line(kind->level, message, NULL);
        }
        free(kind->name);
    }
    logger.kind_count = 0;
    pthread_mutex_unlock(&logger.lock);
}

bool rl_log_enabled(enum rl_log_level level)
{
    return (int)level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

void rl_log_fields(enum rl_log_level level, const struct rl_log_field *fields, const char *format,
                   ...)
{
    va_list args;

    atomic_fetch_add_explicit(&logger.counts[level], 1, memory_order_relaxed);
    if (!rl_log_enabled(level))
        return;
    va_start(args, format);
    log_line(level, fields, 0, format, args);
    va_end(args);
}

void rl_log_limited(enum rl_log_level level, const char *kind, const struct rl_log_field *fields,
                    const char *format, ...)
{
    unsigned long suppressed = 0;
    va_list args;

    atomic_fetch_add_explicit(&logger.counts[level], 1, memory_order_relaxed);
    if (!rl_log_enabled(level) || !admit(level, kind, &suppressed))
        return;
    va_start(args, format);
    log_line(level, fields, suppressed, format, args);
    va_end(args);
}

void rl_log_set_hooks(void (*before)(void *ctx), void (*after)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&logger.lock);
    logger.before = before;
    logger.after = after;
    logger.hook_ctx = ctx;
    pthread_mutex_unlock(&logger.lock);
}

unsigned long rl_log_count(enum rl_log_level level)
{
    return atomic_load_explicit(&logger.counts[level], memory_order_relaxed);
}
