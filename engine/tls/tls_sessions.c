/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions to resume, of one VU: few peers each, so a list. */
#include <stdlib.h>

#include "base/list.h"
#include "tls/tls_sessions.h"

struct session {
    struct rl_list link;
    uint8_t *blob;
    size_t blob_bytes;
    char key[];
};

struct rl_tls_sessions {
    struct rl_list items;
    size_t count;
};

enum { SESSIONS_MAX = 16 };

struct rl_tls_sessions *rl_tls_sessions_new(void)
{
    struct rl_tls_sessions *sessions = malloc(sizeof(*sessions));

    if (sessions == NULL)
        return NULL;
    rl_list_init(&sessions->items);
    sessions->count = 0;
    return sessions;
}

static void forget(struct rl_tls_sessions *sessions, struct session *session)
{
    rl_list_remove(&session->link);
    sessions->count--;
    free(session->blob);
    free(session);
}

void rl_tls_sessions_free(struct rl_tls_sessions *sessions)
{
    if (sessions == NULL)
        return;
    while (!rl_list_empty(&sessions->items))
        forget(sessions, rl_container_of(sessions->items.next, struct session, link));
    free(sessions);
}

static struct session *find(struct rl_tls_sessions *sessions, const char *key)
{
    for (struct rl_list *node = sessions->items.next; node != &sessions->items; node = node->next) {
        struct session *session = rl_container_of(node, struct session, link);

        if (strcmp(session->key, key) == 0)
            return session;
    }
    return NULL;
}

struct rl_slice rl_tls_sessions_get(struct rl_tls_sessions *sessions, const char *key)
{
    struct session *session = find(sessions, key);

    return session == NULL ? rl_slice_of(NULL, 0) : rl_slice_of(session->blob, session->blob_bytes);
}

void rl_tls_sessions_drop(struct rl_tls_sessions *sessions, const char *key)
{
    struct session *session = find(sessions, key);

    if (session != NULL)
        forget(sessions, session);
}

void rl_tls_sessions_take(struct rl_tls_sessions *sessions, const char *key, uint8_t *blob,
                          size_t blob_bytes)
{
    size_t size = strlen(key) + 1;
    struct session *session;

    rl_tls_sessions_drop(sessions, key);
    if (sessions->count == SESSIONS_MAX) /* the oldest is first */
        forget(sessions, rl_container_of(sessions->items.next, struct session, link));
    session = malloc(sizeof(*session) + size);
    if (session == NULL) {
        free(blob);
        return;
    }
    memcpy(session->key, key, size);
    session->blob = blob;
    session->blob_bytes = blob_bytes;
    rl_list_init(&session->link);
    rl_list_push(&sessions->items, &session->link);
    sessions->count++;
}
