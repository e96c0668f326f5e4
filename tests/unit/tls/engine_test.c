/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_engine.h"

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "base/status.h"
#include "cases.h"
#include "pair.h"

static struct pair pair;

static void setup(void)
{
    pair_init(&pair);
}

static void teardown(void)
{
    pair_fini(&pair);
}

static const struct rl_slice no_session = {NULL, 0};

static void open_pair(size_t piece)
{
    pair_contexts(&pair);
    pair_connect(&pair, "a.test", no_session);
    pair_shake(&pair, piece);
    ck_assert_int_eq(pair.client.status, 0);
    ck_assert_int_eq(pair.server.status, 0);
    ck_assert(pair.client.done && pair.server.done);
}

static void use_version(enum rl_tls_version version)
{
    pair.client_config.min_version = pair.client_config.max_version = version;
}

static void say(struct side *side, const char *text)
{
    ck_assert_int_eq(rl_tls_engine_write(&side->engine, rl_slice_str(text)), 0);
}

static void expect(struct side *side, const char *text)
{
    struct rl_slice heard = rl_buf_view(&side->plain);

    ck_assert_uint_eq(heard.size, strlen(text));
    ck_assert_mem_eq(heard.data, text, heard.size);
    rl_buf_consume(&side->plain, heard.size);
}

static const enum rl_tls_version versions[] = {RL_TLS_1_2, RL_TLS_1_3};
static const size_t pieces[] = {1, 2, 3, 5, 7, 100, 1 << 20};

/* T-074, T-080: records in pieces of any size, one byte included, several in one piece. */
START_TEST(an_echo_in_pieces_of_any_size)
{
    size_t piece = pieces[(size_t)_i / 2];

    use_version(versions[_i % 2]);
    open_pair(piece);
    ck_assert_str_eq(rl_tls_engine_version(&pair.client.engine),
                     _i % 2 == 0 ? "TLSv1.2" : "TLSv1.3");
    for (int i = 0; i < 3; i++) {
        say(&pair.client, "one");
        say(&pair.client, "two");
        pair_talk(&pair, piece);
        expect(&pair.server, "onetwo");
        say(&pair.server, "three");
        pair_talk(&pair, piece);
        expect(&pair.client, "three");
    }
}
END_TEST

/* Larger than a record, and not a multiple of one. */
START_TEST(large_writes_arrive_whole)
{
    enum { SIZE = 1000 * 1000 + 17 };
    uint8_t *data = malloc(SIZE);
    struct rl_slice heard;

    open_pair(1 << 20);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    ck_assert_int_eq(rl_tls_engine_write(&pair.client.engine, rl_slice_of(data, SIZE)), 0);
    pair_talk(&pair, 1000);
    heard = rl_buf_view(&pair.server.plain);
    ck_assert_uint_eq(heard.size, SIZE);
    ck_assert_mem_eq(heard.data, data, SIZE);
    free(data);
}
END_TEST

/* T-072: the name, by DNS or IP SAN, and who has signed. */
START_TEST(names_are_verified)
{
    static const struct {
        const char *name;
        int status;
    } rows[] = {{"a.test", 0},
                {"A.TEST", 0},
                {"localhost", 0},
                {"a.test.", 0},
                {"127.0.0.1", 0},
                {"::1", 0},
                {"0:0:0:0:0:0:0:1", 0},
                {"b.test", RL_ETLS_NAME},
                {"a.test.b.test", RL_ETLS_NAME},
                {"127.0.0.2", RL_ETLS_NAME},
                {"::2", RL_ETLS_NAME}};

    pair_contexts(&pair);
    pair_connect(&pair, rows[_i].name, no_session);
    pair_shake(&pair, 1 << 20);
    ck_assert_msg(pair.client.status == rows[_i].status, "%s: %s", rows[_i].name,
                  rl_status_text(pair.client.status));
}
END_TEST

START_TEST(an_unknown_signer_is_refused)
{
    char *cert, *key;

    ck_assert_int_eq(rl_tls_self_signed(NULL, 0, &cert, &key), 0);
    use_version(versions[_i]);
    pair.client_config.ca = rl_slice_str(cert);
    pair_contexts(&pair);
    pair_connect(&pair, "a.test", no_session);
    pair_shake(&pair, 1 << 20);
    ck_assert(!pair.client.done);
    ck_assert_msg(pair.client.status == RL_ETLS_NO_SIGNER ||
                      pair.client.status == RL_ETLS_SIGNATURE, /* the same name, another key */
                  "%s", rl_status_text(pair.client.status));
    ck_assert_msg(rl_status_is_tls(pair.server.status), "%s", rl_status_text(pair.server.status));
    free(cert);
    free(key);
}
END_TEST

START_TEST(no_verification_takes_any)
{
    pair.client_config.insecure_skip_verify = true;
    pair.client_config.ca = rl_slice_of(NULL, 0);
    pair_contexts(&pair);
    pair_connect(&pair, "elsewhere.test", no_session);
    pair_shake(&pair, 1 << 20);
    ck_assert_int_eq(pair.client.status, 0);
    ck_assert(pair.client.done);
}
END_TEST

/* T-074: nothing in common, and the peer's alert is named. */
START_TEST(versions_without_overlap_fail)
{
    pair.client_config.min_version = pair.client_config.max_version = versions[_i];
    pair.server_config.min_version = pair.server_config.max_version = versions[1 - _i];
    pair_contexts(&pair);
    pair_connect(&pair, "a.test", no_session);
    pair_shake(&pair, 1 << 20);
    ck_assert(!pair.client.done);
    ck_assert_msg(rl_status_is_tls(pair.client.status), "%d %s", pair.client.status,
                  rl_status_text(pair.client.status));
}
END_TEST

/* T-075: the list restricts 1.2, and not 1.3. */
START_TEST(cipher_suites_restrict_below_13)
{
    static const char *const names[] = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};

    use_version(versions[_i]);
    pair.client_config.cipher_suites = (struct rl_tls_texts){names, 1};
    open_pair(1 << 20);
    ck_assert_str_eq(rl_tls_engine_cipher(&pair.client.engine),
                     _i == 0 ? names[0] : "TLS_AES_128_GCM_SHA256");
}
END_TEST

/* T-073. */
START_TEST(alpn_is_negotiated)
{
    static const char *const ours[] = {"x", "y"}, *const theirs[] = {"y"}, *const other[] = {"h2"};

    open_pair(1 << 20);
    ck_assert_ptr_null(rl_tls_engine_alpn(&pair.client.engine)); /* it selects none: fine */
    rl_tls_context_release(pair.client_context);
    rl_tls_context_release(pair.server_context);
    pair.client_config.alpn = (struct rl_tls_texts){ours, 2};
    pair.server_config.alpn = (struct rl_tls_texts){theirs, 1};
    open_pair(1 << 20);
    ck_assert_str_eq(rl_tls_engine_alpn(&pair.client.engine), "y");
    rl_tls_context_release(pair.client_context);
    rl_tls_context_release(pair.server_context);
    pair.server_config.alpn = (struct rl_tls_texts){other, 1};
    open_pair(1 << 20);
    ck_assert_ptr_null(rl_tls_engine_alpn(&pair.client.engine));
}
END_TEST

/* T-080: TCP's end at each byte of two records: inside one it is an error, between them none. */
START_TEST(the_end_of_tcp_between_and_inside_records)
{
    struct rl_slice said;
    size_t first;

    use_version(versions[_i]);
    open_pair(1 << 20);
    say(&pair.server, "abc");
    first = rl_buf_size(&pair.server.out);
    say(&pair.server, "defg");
    said = rl_buf_view(&pair.server.out);
    for (size_t at = 0; at < said.size; at++) {
        bool between = at == 0 || at == first;

        ck_assert_int_eq(rl_tls_engine_end(&pair.client.engine), between ? 0 : RL_ETLS_TRUNCATED);
        side_hear(&pair.client, rl_slice_of(said.data + at, 1));
    }
    ck_assert_int_eq(rl_tls_engine_end(&pair.client.engine), 0);
    expect(&pair.client, "abcdefg");
}
END_TEST

static void expect_read(size_t most, const char *text, bool drained)
{
    uint8_t plain[16];
    int status;

    ck_assert_uint_eq(rl_tls_engine_read(&pair.client.engine, plain, most, &status), strlen(text));
    ck_assert_int_eq(status, 0);
    ck_assert_mem_eq(plain, text, strlen(text));
    ck_assert_int_eq(rl_tls_engine_drained(&pair.client.engine), drained);
}

/* Whether another read would give nothing: with all of a record read, its rest, the next one there, a part of
 * the next one there. */
START_TEST(drained_is_known_without_a_read)
{
    struct rl_slice said;
    size_t two;

    use_version(versions[_i]);
    open_pair(1 << 20);
    say(&pair.server, "abc");
    say(&pair.server, "de");
    two = rl_buf_size(&pair.server.out);
    say(&pair.server, "f");
    said = rl_buf_view(&pair.server.out);
    rl_tls_engine_feed(&pair.client.engine, rl_slice_of(said.data, two + 7));
    expect_read(2, "ab", false);
    expect_read(2, "c", false);
    expect_read(16, "de", false);
    expect_read(16, "", false);
    rl_tls_engine_feed(&pair.client.engine, rl_slice_of(said.data + two + 7, said.size - two - 7));
    expect_read(16, "f", true);
    rl_buf_fini(&pair.server.out);
}
END_TEST

/* T-080, T-081. */
START_TEST(close_notify_is_an_end)
{
    use_version(versions[_i]);
    open_pair(1 << 20);
    say(&pair.client, "bye");
    rl_tls_engine_farewell(&pair.client.engine);
    ck_assert_uint_gt(pair_carry(&pair.client, &pair.server, 1 << 20), 0);
    expect(&pair.server, "bye");
    ck_assert_int_eq(pair.server.status, 1);
}
END_TEST

/* A flipped bit anywhere in a record is found. */
START_TEST(a_changed_record_is_an_error)
{
    struct rl_buf said;
    uint8_t *bytes;
    size_t size;

    use_version(versions[_i % 2]);
    open_pair(1 << 20);
    say(&pair.server, "some text");
    said = pair.server.out;
    rl_buf_init(&pair.server.out, 0);
    bytes = said.data + said.start;
    size = rl_buf_size(&said);
    bytes[_i / 2 == 0 ? size - 1 : size / 2] ^= 0x10;
    side_hear(&pair.client, rl_buf_view(&said));
    ck_assert_msg(pair.client.status == RL_ETLS_RECORD, "%s", rl_status_text(pair.client.status));
    ck_assert_uint_eq(rl_buf_size(&pair.client.plain), 0);
    ck_assert_uint_gt(rl_buf_size(&pair.client.out), 0); /* the alert */
    rl_buf_fini(&said);
}
END_TEST

START_TEST(garbage_is_no_tls)
{
    static const char *const texts[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "220 ready\r\n",
                                        "\xff\xff\xff\xff\xff\xff\xff", "\x16\x03\x03\xff\xffxxxxx"};

    pair_contexts(&pair);
    pair_connect(&pair, "a.test", no_session);
    side_hear(&pair.client, rl_slice_of(NULL, 0));
    side_hear(&pair.client, rl_slice_str(texts[_i]));
    ck_assert_msg(rl_status_is_tls(pair.client.status), "%d %s", pair.client.status,
                  rl_status_text(pair.client.status));
}
END_TEST

/* The handshake cut after each byte of the server's flight: never done, and never a crash. */
START_TEST(a_cut_handshake_is_not_done)
{
    struct rl_buf flight;
    struct rl_slice said;

    use_version(versions[_i]);
    pair_contexts(&pair);
    pair_connect(&pair, "a.test", no_session);
    side_hear(&pair.client, rl_slice_of(NULL, 0));
    pair_carry(&pair.client, &pair.server, 1 << 20);
    flight = pair.server.out;
    rl_buf_init(&pair.server.out, 0);
    said = rl_buf_view(&flight);
    for (size_t cut = 0; cut < said.size; cut += 1 + said.size / 40) {
        struct side other = {.status = 0};

        ck_assert_int_eq(rl_tls_engine_init(&other.engine, pair.client_context, "a.test",
                                            no_session, pair_out, &other), 0);
        other.has_engine = true;
        side_hear(&other, rl_slice_of(NULL, 0));
        side_hear(&other, rl_slice_of(said.data, cut)); /* of another session: it fails, or waits */
        ck_assert(!other.done);
        side_close(&other);
    }
    rl_buf_fini(&flight);
}
END_TEST

/* T-083's other side: nothing; T-077 and its extension: a session resumes, and only where it may. */
START_TEST(a_session_resumes)
{
    struct rl_slice session;
    uint8_t *blob;
    size_t size = 0;

    use_version(versions[_i]);
    pair.client_config.resume = true;
    open_pair(1 << 20);
    ck_assert(!rl_tls_engine_resumed(&pair.client.engine));
    blob = rl_tls_engine_session(&pair.client.engine, &size);
    ck_assert_ptr_nonnull(blob);
    ck_assert_ptr_null(rl_tls_engine_session(&pair.client.engine, &size)); /* once */
    session = rl_slice_of(blob, size);
    pair_connect(&pair, "a.test", session);
    pair_shake(&pair, 1 << 20);
    ck_assert(pair.client.done && pair.server.done);
    ck_assert(rl_tls_engine_resumed(&pair.client.engine));
    say(&pair.client, "again");
    pair_talk(&pair, 1 << 20);
    expect(&pair.server, "again");
    free(blob);
}
END_TEST

START_TEST(without_resume_no_session_is_kept)
{
    size_t size = 0;

    use_version(versions[_i]);
    open_pair(1 << 20);
    ck_assert_ptr_null(rl_tls_engine_session(&pair.client.engine, &size));
}
END_TEST

/* A ticket that the server does not know: a full handshake. */
START_TEST(a_session_of_another_server_is_ignored)
{
    struct pair other;
    uint8_t *blob;
    size_t size = 0;

#if LIBWOLFSSL_VERSION_HEX < 0x05007000 /* rl_tls_library_lacks says so */
    if (versions[_i] == RL_TLS_1_2)
        return;
#endif
    pair_init(&other);
    other.client_config.resume = true;
    other.client_config.min_version = other.client_config.max_version = versions[_i];
    use_version(versions[_i]);
    pair_contexts(&other);
    pair_connect(&other, "a.test", no_session);
    pair_shake(&other, 1 << 20);
    blob = rl_tls_engine_session(&other.client.engine, &size);
    ck_assert_ptr_nonnull(blob);
    pair_fini(&other);
    pair.client_config.resume = true;
    pair_contexts(&pair);
    pair_connect(&pair, "a.test", rl_slice_of(blob, size));
    free(blob);
    pair_shake(&pair, 1 << 20);
    ck_assert_msg(pair.client.done && pair.server.done, "client: %s, server: %s",
                  rl_status_text(pair.client.status), rl_status_text(pair.server.status));
    ck_assert(!rl_tls_engine_resumed(&pair.client.engine));
}
END_TEST

/* Post-handshake messages: a KeyUpdate that wants an answer gets it from within a read, between data. */
START_TEST(keys_are_updated)
{
    struct side *asks = _i == 0 ? &pair.client : &pair.server;
    struct side *answers = _i == 0 ? &pair.server : &pair.client;

    use_version(RL_TLS_1_3);
    open_pair(1 << 20);
    for (int i = 0; i < 3; i++) {
        say(asks, "before");
        ck_assert_int_eq(wolfSSL_update_keys(asks->engine.ssl), WOLFSSL_SUCCESS);
        say(asks, "after");
        ck_assert_uint_eq(rl_buf_size(&answers->out), 0);
        pair_carry(asks, answers, i == 0 ? 1 : 1 << 20);
        expect(answers, "beforeafter");
        ck_assert_uint_gt(rl_buf_size(&answers->out), 0);
        say(answers, "and back");
        pair_talk(&pair, 1 << 20);
        expect(asks, "and back");
        ck_assert_int_eq(asks->status, 0);
        ck_assert_int_eq(answers->status, 0);
    }
}
END_TEST

START_TEST(the_peer_is_named)
{
    open_pair(1 << 20);
    ck_assert_ptr_nonnull(pair.client.engine.subject);
    ck_assert_str_eq(pair.client.engine.subject, "CN=localhost");
    ck_assert_ptr_null(pair.server.engine.subject);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tls_engine");

    rl_case_loop(s, an_echo_in_pieces_of_any_size, setup, teardown, 0, 14);
    rl_case(s, large_writes_arrive_whole, setup, teardown);
    rl_case_loop(s, names_are_verified, setup, teardown, 0, 11);
    rl_case_loop(s, an_unknown_signer_is_refused, setup, teardown, 0, 2);
    rl_case(s, no_verification_takes_any, setup, teardown);
    rl_case_loop(s, versions_without_overlap_fail, setup, teardown, 0, 2);
    rl_case_loop(s, cipher_suites_restrict_below_13, setup, teardown, 0, 2);
    rl_case(s, alpn_is_negotiated, setup, teardown);
    rl_case_loop(s, the_end_of_tcp_between_and_inside_records, setup, teardown, 0, 2);
    rl_case_loop(s, drained_is_known_without_a_read, setup, teardown, 0, 2);
    rl_case_loop(s, close_notify_is_an_end, setup, teardown, 0, 2);
    rl_case_loop(s, a_changed_record_is_an_error, setup, teardown, 0, 4);
    rl_case_loop(s, garbage_is_no_tls, setup, teardown, 0, 4);
    rl_case_loop(s, a_cut_handshake_is_not_done, setup, teardown, 0, 2);
    rl_case_loop(s, a_session_resumes, setup, teardown, 0, 2);
    rl_case_loop(s, without_resume_no_session_is_kept, setup, teardown, 0, 2);
    rl_case_loop(s, a_session_of_another_server_is_ignored, setup, teardown, 0, 2);
    rl_case_loop(s, keys_are_updated, setup, teardown, 0, 2);
    rl_case(s, the_peer_is_named, setup, teardown);
    return s;
}

RL_TEST_MAIN(suite)
