/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cases.h"

enum { ROWS = 40, COLUMNS = 120 };

/*
 * A terminal: what is written to a pty's inner end arrives at the outer one and moves a cursor
 * over a screen. It knows the escape sequences that progress uses, and fails on any other.
 */
static struct {
    int outer, inner;
    size_t columns;
    char screen[ROWS][COLUMNS * 4];
    size_t row, column;
} terminal;

static struct rl_progress progress;
static struct rl_progress_bar bar;
static struct rl_progress_state state;

static void resize(unsigned short columns)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = columns};

    terminal.columns = columns;
    ck_assert_int_eq(ioctl(terminal.inner, TIOCSWINSZ, &size), 0);
}

static void open_terminal(void)
{
    struct termios raw;

    terminal.outer = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal.outer, 0);
    ck_assert_int_eq(grantpt(terminal.outer), 0);
    ck_assert_int_eq(unlockpt(terminal.outer), 0);
    terminal.inner = open(ptsname(terminal.outer), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal.inner, 0);
    ck_assert_int_eq(tcgetattr(terminal.inner, &raw), 0);
    raw.c_oflag &= ~(tcflag_t)OPOST; /* the model treats a newline as CR LF itself */
    ck_assert_int_eq(tcsetattr(terminal.inner, TCSANOW, &raw), 0);
    resize(COLUMNS);
}

static void set_up(void)
{
    open_terminal();
    bar = (struct rl_progress_bar){.name = "steady", .fraction = 0.5, .right = "10 VUs"};
    state = (struct rl_progress_state){
        .phase = "running",
        .started = true,
        .max_ns = 30 * RL_NS_PER_S,
        .bars = &bar,
        .bar_count = 1,
    };
    rl_progress_init(&progress, terminal.inner, true, false);
}

static void tear_down(void)
{
    rl_progress_fini(&progress);
    close(terminal.inner);
    close(terminal.outer);
}

static void put_character(const char **read)
{
    char *row = terminal.screen[terminal.row];

    if (terminal.column == terminal.columns) {
        terminal.row++;
        terminal.column = 0;
        row = terminal.screen[terminal.row];
    }
    /* Cells are one byte: other characters show as '?'. */
    while (strlen(row) < terminal.column)
        strcat(row, " ");
    if (row[terminal.column] == '\0')
        row[terminal.column + 1] = '\0';
    row[terminal.column++] = (unsigned char)**read < 0x80 ? **read : '?';
    do {
        (*read)++;
    } while (((unsigned char)**read & 0xc0) == 0x80);
}

static void clear_below(void)
{
    terminal.screen[terminal.row][terminal.column] = '\0';
    for (size_t i = terminal.row + 1; i < ROWS; i++)
        terminal.screen[i][0] = '\0';
}

static void put_escape(const char **read)
{
    size_t number = 0;
    int used = 0;

    ck_assert_int_eq((*read)[1], '[');
    *read += 2;
    if (sscanf(*read, "%zu%n", &number, &used) == 1)
        *read += used;
    switch (*(*read)++) {
    case 'A':
        terminal.row = terminal.row < number ? 0 : terminal.row - number;
        break;
    case 'J':
        clear_below();
        break;
    case 'K':
        terminal.screen[terminal.row][terminal.column] = '\0';
        break;
    case 'm':
        break;
    default:
        ck_abort_msg("an unknown escape sequence");
    }
}

static void interpret(const char *data)
{
    for (const char *at = data; *at != '\0';) {
        if (*at == '\x1b') {
            put_escape(&at);
        } else if (*at == '\n' || *at == '\r') {
            terminal.row += *at == '\n';
            terminal.column = 0;
            at++;
        } else {
            put_character(&at);
        }
        ck_assert_uint_lt(terminal.row, ROWS);
    }
}

/* Let what was written arrive, which takes the kernel a while: it ends with a mark of ours. */
static void receive(void)
{
    char data[16384];
    size_t size = 0;

    ck_assert_int_eq(write(terminal.inner, "\a", 1), 1);
    do {
        ssize_t got = read(terminal.outer, data + size, sizeof(data) - size);

        ck_assert_int_gt(got, 0);
        size += (size_t)got;
    } while (data[size - 1] != '\a');
    data[size - 1] = '\0';
    interpret(data);
}

static void check_screen(const char *const *lines, size_t count)
{
    receive();
    for (size_t i = 0; i < ROWS; i++) {
        size_t size = strlen(terminal.screen[i]);

        while (size > 0 && terminal.screen[i][size - 1] == ' ')
            terminal.screen[i][--size] = '\0';
        ck_assert_str_eq(terminal.screen[i], i < count ? lines[i] : "");
    }
}

#define CHECK_SCREEN(...)                                                                          \
    check_screen((const char *const[]){__VA_ARGS__},                                               \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#define HEAD(clock) "running (" clock "), 0/0 VUs, 0 complete and 0 interrupted iterations"
#define BAR "steady   [===================>--------------------] 10 VUs"

static void tick(uint64_t ms)
{
    state.elapsed_ns = ms * RL_NS_PER_MS;
    rl_progress_tick(&progress, &state, RL_NS_PER_S + ms * RL_NS_PER_MS);
}

START_TEST(E_441_painted_over_itself_every_100_ms)
{
    tick(0);
    CHECK_SCREEN(HEAD("00.0s"), BAR);
    tick(99);
    CHECK_SCREEN(HEAD("00.0s"), BAR);
    ck_assert(!rl_progress_due(&progress, RL_NS_PER_S + 99 * RL_NS_PER_MS));
    ck_assert(rl_progress_due(&progress, RL_NS_PER_S + 100 * RL_NS_PER_MS));
    tick(100);
    CHECK_SCREEN(HEAD("00.1s"), BAR);
    snprintf(bar.right, sizeof(bar.right), "1");
    tick(200);
    CHECK_SCREEN(HEAD("00.2s"), "steady   [===================>--------------------] 1");
}
END_TEST

START_TEST(E_441_fewer_lines_leave_nothing_behind)
{
    tick(0);
    state.bar_count = 0;
    tick(100);
    CHECK_SCREEN(HEAD("00.1s"));
    state.bar_count = 1;
    tick(200);
    CHECK_SCREEN(HEAD("00.2s"), BAR);
}
END_TEST

START_TEST(E_441_log_lines_stand_above)
{
    FILE *stream = fdopen(dup(terminal.inner), "w");
    const struct rl_log_config config = {
        .stream = stream,
        .level = RL_LOG_INFO,
        .format = RL_LOG_RAW,
    };

    rl_log_open(&config);
    rl_log_set_hooks(rl_progress_before_log, rl_progress_after_log, &progress);
    rl_log_info("before any paint");
    CHECK_SCREEN("before any paint");
    tick(0);
    rl_log_info("first");
    rl_log_info("second");
    CHECK_SCREEN("before any paint", "first", "second", HEAD("00.0s"), BAR);
    tick(100);
    CHECK_SCREEN("before any paint", "first", "second", HEAD("00.1s"), BAR);
    rl_progress_clear(&progress);
    rl_log_info("third");
    CHECK_SCREEN("before any paint", "first", "second", "third");
    rl_log_set_hooks(NULL, NULL, NULL);
    rl_log_close();
    fclose(stream);
}
END_TEST

START_TEST(E_405_the_last_paint_stays)
{
    tick(0);
    rl_progress_clear(&progress);
    ck_assert_int_eq(write(terminal.inner, "the summary\n", 12), 12);
    bar.mark = RL_MARK_DONE;
    bar.fraction = 1;
    rl_progress_end(&progress, &state);
    ck_assert_int_eq(write(terminal.inner, "$ ", 2), 2);
    CHECK_SCREEN("the summary", HEAD("00.0s"),
                 "steady ? [========================================] 10 VUs", "$");
}
END_TEST

START_TEST(E_405_an_end_without_a_clear_paints_over)
{
    tick(0);
    rl_progress_end(&progress, NULL);
    ck_assert_int_eq(write(terminal.inner, "$ ", 2), 2);
    CHECK_SCREEN(HEAD("00.0s"), BAR, "$");
}
END_TEST

START_TEST(E_441_the_width_is_read_at_each_paint)
{
    tick(0);
    receive();
    resize(50); /* both lines of 120 columns fit twice: the terminal wraps the first one */
    snprintf(terminal.screen[0], 51, "%.50s", HEAD("00.0s"));
    snprintf(terminal.screen[1], 51, "%s", &HEAD("00.0s")[50]);
    snprintf(terminal.screen[2], 51, "%.50s", BAR);
    snprintf(terminal.screen[3], 51, "%s", &BAR[50]);
    terminal.row = 3;
    terminal.column = strlen(BAR) - 50;
    tick(100);
    CHECK_SCREEN("running (00.1s), 0/0 VUs, 0 complete and 0 inter?",
                 "steady   [==============>----------------] 10 VUs");
}
END_TEST

START_TEST(E_441_plain_lines_every_second)
{
    char data[1024];
    int ends[2];
    ssize_t size;
    struct rl_progress plain;

    ck_assert_int_eq(pipe(ends), 0);
    rl_progress_init(&plain, ends[1], false, false);
    for (uint64_t ms = 0; ms <= 2000; ms += 50) {
        state.elapsed_ns = ms * RL_NS_PER_MS;
        rl_progress_tick(&plain, &state, RL_NS_PER_S + ms * RL_NS_PER_MS);
        rl_progress_before_log(&plain);
        rl_progress_after_log(&plain);
    }
    rl_progress_clear(&plain);
    rl_progress_end(&plain, &state);
    size = read(ends[0], data, sizeof(data) - 1);
    ck_assert_int_gt(size, 0);
    data[size] = '\0';
    ck_assert_str_eq(
        data,
        "\n" HEAD("01.0s") "\nsteady   [  50% ] 10 VUs\n"
                           "\n" HEAD("02.0s") "\nsteady   [  50% ] 10 VUs\n"
                                              "\n" HEAD("02.0s") "\nsteady   [  50% ] 10 VUs\n");
    rl_progress_fini(&plain);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void *log_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++)
        rl_log_info("line %d", i);
    return NULL;
}

/* Log lines of another thread and paints of this one: for the race detector. */
START_TEST(any_thread_may_log)
{
    int null = open("/dev/null", O_WRONLY);
    FILE *stream = fopen("/dev/null", "w");
    const struct rl_log_config config = {.stream = stream, .level = RL_LOG_INFO};
    struct rl_progress busy;
    pthread_t thread;

    rl_progress_init(&busy, null, true, true);
    rl_log_open(&config);
    rl_log_set_hooks(rl_progress_before_log, rl_progress_after_log, &busy);
    ck_assert_int_eq(pthread_create(&thread, NULL, log_lines, NULL), 0);
    for (uint64_t i = 1; i <= 2000; i++)
        rl_progress_tick(&busy, &state, i * RL_NS_PER_S);
    pthread_join(thread, NULL);
    rl_progress_end(&busy, &state);
    rl_log_set_hooks(NULL, NULL, NULL);
    rl_log_close();
    rl_progress_fini(&busy);
    fclose(stream);
    close(null);
}
END_TEST

static Suite *progress_suite(void)
{
    Suite *suite = suite_create("progress");

    rl_case(suite, E_441_painted_over_itself_every_100_ms, set_up, tear_down);
    rl_case(suite, E_441_fewer_lines_leave_nothing_behind, set_up, tear_down);
    rl_case(suite, E_441_log_lines_stand_above, set_up, tear_down);
    rl_case(suite, E_405_the_last_paint_stays, set_up, tear_down);
    rl_case(suite, E_405_an_end_without_a_clear_paints_over, set_up, tear_down);
    rl_case(suite, E_441_the_width_is_read_at_each_paint, set_up, tear_down);
    rl_case(suite, E_441_plain_lines_every_second, set_up, tear_down);
    rl_case(suite, any_thread_may_log, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(progress_suite)
