/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/json.h"
#include "script/out.h"

enum { DEPTH_MAX = 200, NUMBER_BYTES = 400 };

struct reader {
    lua_State *L;
    const char *start, *at, *end;
    int depth;
};

static void read_value(struct reader *r);

static _Noreturn void fail(struct reader *r, const char *what)
{
    luaL_error(r->L, "invalid JSON at byte %d: %s", (int)(r->at - r->start) + 1, what);
    abort();
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

/* The next byte that is no blank, 0 at the end. */
static char peek(struct reader *r)
{
    skip_blanks(r);
    return r->at < r->end ? *r->at : '\0';
}

static void expect_word(struct reader *r, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        fail(r, "a value is expected");
    r->at += size;
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static void skip_digits(struct reader *r)
{
    if (!is_digit(r))
        fail(r, "a digit is expected");
    while (is_digit(r))
        r->at++;
}

static void push_number(struct reader *r, const char *text, size_t size, bool is_integer)
{
    char copy[NUMBER_BYTES];
    long long integer;

    if (size >= sizeof(copy))
        fail(r, "the number is too long");
    memcpy(copy, text, size);
    copy[size] = '\0';
    errno = 0;
    integer = strtoll(copy, NULL, 10);
    if (is_integer && errno == 0)
        lua_pushinteger(r->L, integer);
    else
        lua_pushnumber(r->L, strtod(copy, NULL));
}

static void read_number(struct reader *r)
{
    const char *text = r->at;
    bool is_integer = true;

    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else
        skip_digits(r);
    if (r->at < r->end && *r->at == '.') {
        is_integer = false;
        r->at++;
        skip_digits(r);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        is_integer = false;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        skip_digits(r);
    }
    push_number(r, text, (size_t)(r->at - text), is_integer);
}

static unsigned read_hex4(struct reader *r)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->end ? *r->at : '\0';

        if (c >= '0' && c <= '9')
            code = code * 16 + (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            code = code * 16 + (unsigned)((c | 0x20) - 'a') + 10;
        else
            fail(r, "four hexadecimal digits are expected");
    }
    return code;
}

static void add_utf8(struct rl_out *out, unsigned code)
{
    if (code < 0x80) {
        rl_out_byte(out, (char)code);
        return;
    }
    if (code < 0x800) {
        rl_out_byte(out, (char)(0xc0 | code >> 6));
    } else if (code < 0x10000) {
        rl_out_byte(out, (char)(0xe0 | code >> 12));
        rl_out_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
    } else {
        rl_out_byte(out, (char)(0xf0 | code >> 18));
        rl_out_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
        rl_out_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
    }
    rl_out_byte(out, (char)(0x80 | (code & 0x3f)));
}

/* Behind the u; a pair of surrogates is one character, half a pair the replacement character. */
static void read_unicode(struct reader *r, struct rl_out *out)
{
    unsigned code = read_hex4(r), low;

    if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' &&
        r->at[1] == 'u') {
        const char *back = r->at;

        r->at += 2;
        low = read_hex4(r);
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = back;
    }
    add_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
}

static void read_escape(struct reader *r, struct rl_out *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char c;

    r->at++;
    c = r->at < r->end ? *r->at : '\0';
    found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL && c != 'u')
        fail(r, "unknown escape in a string");
    r->at++;
    if (found != NULL)
        rl_out_byte(out, to[found - from]);
    else
        read_unicode(r, out);
}

static void read_string(struct reader *r)
{
    const char *run = ++r->at;
    struct rl_out out;
    bool copying = false;

    for (;;) {
        if (r->at >= r->end)
            fail(r, "a string does not end");
        if ((unsigned char)*r->at < 0x20)
            fail(r, "a control character in a string");
        if (*r->at == '"')
            break;
        if (*r->at != '\\') {
            r->at++;
            continue;
        }
        if (!copying)
            rl_out_init(&out, r->L);
        copying = true;
        rl_out_add(&out, run, (size_t)(r->at - run));
        read_escape(r, &out);
        run = r->at;
    }
    if (copying) {
        rl_out_add(&out, run, (size_t)(r->at - run));
        rl_out_push(&out);
        lua_replace(r->L, out.index);
    } else {
        lua_pushlstring(r->L, run, (size_t)(r->at - run));
    }
    r->at++;
}

static void read_array(struct reader *r)
{
    lua_Integer count = 0;

    lua_newtable(r->L);
    r->at++;
    if (peek(r) == ']') {
        r->at++;
        rl_json_mark(r->L, RL_JSON_ARRAY); /* or it would come back as {} */
        return;
    }
    for (;;) {
        read_value(r);
        lua_rawseti(r->L, -2, ++count);
        if (peek(r) == ']')
            break;
        if (*r->at != ',' || r->at >= r->end)
            fail(r, "',' or ']' is expected");
        r->at++;
    }
    r->at++;
}

static void read_object(struct reader *r)
{
    lua_newtable(r->L);
    r->at++;
    if (peek(r) == '}') {
        r->at++;
        return;
    }
    for (;;) {
        if (peek(r) != '"')
            fail(r, "a name in quotes is expected");
        read_string(r);
        if (peek(r) != ':')
            fail(r, "':' is expected");
        r->at++;
        read_value(r);
        lua_rawset(r->L, -3);
        if (peek(r) == '}')
            break;
        if (r->at >= r->end || *r->at != ',')
            fail(r, "',' or '}' is expected");
        r->at++;
    }
    r->at++;
}

static void read_value(struct reader *r)
{
    char c = peek(r);

    if (++r->depth > DEPTH_MAX)
        fail(r, "nested too deeply");
    luaL_checkstack(r->L, 8, "nested too deeply");
    if (c == '{') {
        read_object(r);
    } else if (c == '[') {
        read_array(r);
    } else if (c == '"') {
        read_string(r);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        read_number(r);
    } else if (c == 't') {
        expect_word(r, "true");
        lua_pushboolean(r->L, 1);
    } else if (c == 'f') {
        expect_word(r, "false");
        lua_pushboolean(r->L, 0);
    } else {
        expect_word(r, "null");
        rl_json_push_null(r->L);
    }
    r->depth--;
}

void rl_json_push(lua_State *L, const char *text, size_t size)
{
    struct reader reader = {.L = L, .start = text, .at = text, .end = text + size};

    read_value(&reader);
    skip_blanks(&reader);
    if (reader.at < reader.end)
        fail(&reader, "there is more behind the value");
}
