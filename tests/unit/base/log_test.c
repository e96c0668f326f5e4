/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms of log lines (E-442). */
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases.h"

static char *text;
static size_t text_bytes;
static FILE *stream;

static void open_log(enum rl_log_level level, enum rl_log_format format, bool tty, bool color)
{
    stream = open_memstream(&text, &text_bytes);
    rl_log_open(&(struct rl_log_config){
        .stream = stream, .level = level, .format = format, .tty = tty, .color = color});
}

static void close_log(void)
{
    if (stream != NULL)
        fclose(stream);
    stream = NULL;
    free(text);
    text = NULL;
}

/* What was logged since, without the times that differ from run to run. */
static const char *logged(void)
{
    static char out[65536];
    char *to = out;

    fflush(stream);
    for (const char *from = text; *from != '\0'; from++) {
        if (strncmp(from, "20", 2) == 0 && from[4] == '-' && from[19] == 'Z') {
            *to++ = 'T';
            from += 19;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return out;
}

static size_t lines(void)
{
    size_t count = 0;

    fflush(stream);
    for (const char *p = text; *p != '\0'; p++)
        count += *p == '\n';
    return count;
}

static const struct rl_log_field fields[] = {{"plain", "a-b.c/1"}, {"spaced", "a b"}, {NULL, NULL}};

START_TEST(text_for_a_pipe)
{
    open_log(RL_LOG_INFO, RL_LOG_TEXT, false, false);
    rl_log_info("hello %d", 1);
    rl_log_fields(RL_LOG_ERROR, fields, "a \"b\"\nc\t\\");
    rl_log_warn("x");
    ck_assert_str_eq(
        logged(),
        "time=\"T\" level=info msg=\"hello 1\"\n"
        "time=\"T\" level=error msg=\"a \\\"b\\\"\\nc\\t\\\\\" plain=a-b.c/1 spaced=\"a b\"\n"
        "time=\"T\" level=warning msg=\"x\"\n");
}
END_TEST

START_TEST(text_for_a_terminal)
{
    open_log(RL_LOG_DEBUG, RL_LOG_TEXT, true, false);
    rl_log_info("hello");
    rl_log_fields(RL_LOG_ERROR, fields, "broken");
    rl_log_warn("two\nlines\x1b[2J");
    rl_log_debug("d");
    ck_assert_str_eq(logged(),
                     "INFO[0000] hello\n"
                     "ERRO[0000] broken                                       plain=a-b.c/1 "
                     "spaced=\"a b\"\n"
                     "WARN[0000] two\nlines\\x1b[2J\n"
                     "DEBU[0000] d\n");
}
END_TEST

START_TEST(colors_only_if_asked_for)
{
    open_log(RL_LOG_INFO, RL_LOG_TEXT, true, true);
    rl_log_error("x");
    ck_assert_str_eq(logged(), "\033[31mERRO\033[0m[0000] x\n");
}
END_TEST

START_TEST(json)
{
    open_log(RL_LOG_INFO, RL_LOG_JSON, true, true);
    rl_log_fields(RL_LOG_INFO, fields, "a\"\\\n\x01\xff\xc3\xa9%s", "\xe2\x82");
    ck_assert_str_eq(logged(),
                     "{\"time\":\"T\",\"level\":\"info\",\"msg\":"
                     "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\","
                     "\"plain\":\"a-b.c/1\",\"spaced\":\"a b\"}\n");
}
END_TEST

START_TEST(raw_is_the_message_alone)
{
    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    rl_log_fields(RL_LOG_INFO, fields, "just \"this\"");
    ck_assert_str_eq(logged(), "just \"this\"\n");
}
END_TEST

START_TEST(less_important_levels_are_not_printed_but_counted)
{
    unsigned long before = rl_log_count(RL_LOG_INFO);

    open_log(RL_LOG_WARN, RL_LOG_RAW, false, false);
    rl_log_info("no");
    rl_log_debug("no");
    rl_log_warn("yes");
    ck_assert_str_eq(logged(), "yes\n");
    ck_assert(rl_log_enabled(RL_LOG_ERROR));
    ck_assert(!rl_log_enabled(RL_LOG_INFO));
    ck_assert_uint_eq(rl_log_count(RL_LOG_INFO), before + 1);
    ck_assert_uint_eq(rl_log_count(RL_LOG_WARN), 1);
}
END_TEST

START_TEST(no_stream_no_log)
{
    rl_log_open(&(struct rl_log_config){.stream = NULL, .level = RL_LOG_DEBUG});
    rl_log_error("nobody reads this");
    rl_log_limited(RL_LOG_ERROR, "kind", NULL, "nor this");
    ck_assert(!rl_log_enabled(RL_LOG_ERROR));
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR), 2);
    rl_log_close();
}
END_TEST

START_TEST(a_long_message_is_whole)
{
    size_t size = 100000;
    char *message = malloc(size + 1);

    memset(message, 'x', size);
    message[size] = '\0';
    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    rl_log_info("%s", message);
    fflush(stream);
    ck_assert_uint_eq(text_bytes, size + 1);
    free(message);
}
END_TEST

/* Wait for a second to begin, so that what follows is within it. */
static void begin_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec++;
    now.tv_nsec = 0;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL);
}

START_TEST(repeats_are_counted_and_told_with_the_next_line)
{
    char kind[16] = "refused";

    open_log(RL_LOG_INFO, RL_LOG_TEXT, false, false);
    begin_second();
    for (int i = 0; i < 105; i++)
        rl_log_limited(RL_LOG_WARN, i % 2 == 0 ? kind : "refused", fields, "refused %d", i);
    rl_log_limited(RL_LOG_WARN, "reset", NULL, "reset");
    ck_assert_uint_eq(lines(), 6);
    ck_assert_ptr_null(strstr(logged(), "suppressed"));
    begin_second();
    rl_log_limited(RL_LOG_WARN, "refused", fields, "again");
    ck_assert_ptr_nonnull(
        strstr(logged(), "msg=\"again\" plain=a-b.c/1 spaced=\"a b\" suppressed=100\n"));
    rl_log_limited(RL_LOG_WARN, "refused", NULL, "once more");
    ck_assert_ptr_nonnull(strstr(logged(), "msg=\"once more\"\n"));
    ck_assert_uint_eq(rl_log_count(RL_LOG_WARN), 108);
}
END_TEST

START_TEST(close_tells_what_was_suppressed)
{
    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    begin_second();
    for (int i = 0; i < 8; i++)
        rl_log_limited(RL_LOG_ERROR, "connect ECONNREFUSED", NULL, "x");
    rl_log_close();
    ck_assert_str_eq(logged(), "x\nx\nx\nx\nx\n3 more lines of this kind were not printed: "
                               "connect ECONNREFUSED\n");
    rl_log_close();
    ck_assert_uint_eq(lines(), 6);
}
END_TEST

START_TEST(any_number_of_kinds)
{
    char kind[32];

    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    begin_second();
    for (int i = 0; i < 1000; i++) {
        snprintf(kind, sizeof(kind), "kind %d", i);
        rl_log_limited(RL_LOG_ERROR, kind, NULL, "x");
    }
    ck_assert_uint_gt(lines(), 100);
    ck_assert_uint_lt(lines(), 200);
    rl_log_close();
    ck_assert_ptr_nonnull(strstr(logged(), "others\n"));
}
END_TEST

static void mark(void *ctx)
{
    fputc(*(const char *)ctx, stream);
    *(char *)ctx = *(char *)ctx == '<' ? '>' : '<';
}

START_TEST(hooks_are_called_around_each_line)
{
    char bracket = '<';

    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    rl_log_set_hooks(mark, mark, &bracket);
    rl_log_info("a");
    rl_log_debug("not printed");
    rl_log_info("b");
    rl_log_set_hooks(NULL, NULL, NULL);
    rl_log_info("c");
    ck_assert_str_eq(logged(), "<a\n><b\n>c\n");
}
END_TEST

static void *chatter(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        rl_log_info("%s", "0123456789012345678901234567890123456789");
        rl_log_limited(RL_LOG_ERROR, "kind", NULL, "0123456789012345678901234567890123456789");
    }
    return arg;
}

START_TEST(lines_of_many_threads_do_not_mix)
{
    pthread_t threads[4];
    size_t count = 0;

    open_log(RL_LOG_INFO, RL_LOG_RAW, false, false);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, chatter, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fflush(stream);
    for (const char *p = text; *p != '\0'; p += 41, count++)
        rl_require(strchr(p, '\n') == p + 40);
    rl_require(count > 4000);
    rl_require(rl_log_count(RL_LOG_ERROR) == 4000);
}
END_TEST

static Suite *log_suite(void)
{
    Suite *suite = suite_create("base/log");

    rl_case(suite, text_for_a_pipe, NULL, close_log);
    rl_case(suite, text_for_a_terminal, NULL, close_log);
    rl_case(suite, colors_only_if_asked_for, NULL, close_log);
    rl_case(suite, json, NULL, close_log);
    rl_case(suite, raw_is_the_message_alone, NULL, close_log);
    rl_case(suite, less_important_levels_are_not_printed_but_counted, NULL, close_log);
    rl_case(suite, no_stream_no_log, NULL, close_log);
    rl_case(suite, a_long_message_is_whole, NULL, close_log);
    rl_case(suite, repeats_are_counted_and_told_with_the_next_line, NULL, close_log);
    rl_case(suite, close_tells_what_was_suppressed, NULL, close_log);
    rl_case(suite, any_number_of_kinds, NULL, close_log);
    rl_case(suite, hooks_are_called_around_each_line, NULL, close_log);
    rl_case(suite, lines_of_many_threads_do_not_mix, NULL, close_log);
    return suite;
}

RL_TEST_MAIN(log_suite)
