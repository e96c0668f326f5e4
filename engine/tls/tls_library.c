/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_library.h"

#include <stdio.h>

#include "base/sanitize.h"
#include "base/slab.h"
#include "base/status.h"
#include "tls/tls_impl.h"

#include <wolfssl/wolfcrypt/memory.h>

/* A handshake makes many blocks between the few that the session keeps. The sanitizers are to see each
 * block; a library with its own ideas of memory has other hooks. */
#if !defined(RL_SANITIZED) && !defined(WOLFSSL_STATIC_MEMORY) && !defined(WOLFSSL_DEBUG_MEMORY) &&         \
    !defined(XMALLOC_USER) && !defined(NO_WOLFSSL_MEMORY)
static void set_allocators(void)
{
    wolfSSL_SetAllocators(rl_slab_alloc, rl_slab_free, rl_slab_resize);
}
#else
static void set_allocators(void)
{
}
#endif

int rl_tls_library_init(void)
{
    set_allocators();
    return wolfSSL_Init() == WOLFSSL_SUCCESS ? 0 : RL_ETLS_LIBRARY;
}

void rl_tls_library_fini(void)
{
    wolfSSL_Cleanup();
}

const char *rl_tls_library_version(void)
{
    static _Thread_local char text[48];

    snprintf(text, sizeof(text), "wolfSSL %s", wolfSSL_lib_version());
    return text;
}

#if defined(WOLFSSL_AESNI) || defined(WOLFSSL_ARMASM)
#define HAS_ASM ", AES instructions"
#define LACKS_ASM ""
#else
#define HAS_ASM ""
#define LACKS_ASM ", AES instructions (bulk data is some 30 times slower)"
#endif

#ifdef WOLFSSL_HAVE_SP_ECC
#define HAS_SP ", fast P-256"
#define LACKS_SP ""
#else
#define HAS_SP ""
#define LACKS_SP ", fast P-256 (handshakes cost up to 4 times more)"
#endif

#ifdef OPENSSL_EXTRA
#define HAS_LEAN ""
#define LACKS_LEAN ", small sessions (an idle one takes some 75 KB instead of 3)"
#else
#define HAS_LEAN ", small sessions"
#define LACKS_LEAN ""
#endif

#ifdef HAVE_SECRET_CALLBACK
#define HAS_KEYLOG ", key log"
#define LACKS_KEYLOG ""
#elif defined(OPENSSL_EXTRA)
#define HAS_KEYLOG ", key log of TLS 1.2"
#define LACKS_KEYLOG ", key log of TLS 1.3"
#else
#define HAS_KEYLOG ""
#define LACKS_KEYLOG ", key log"
#endif

#ifdef HAVE_SESSION_TICKET
#define HAS_TICKETS ", session tickets"
#define LACKS_TICKETS ""
#else
#define HAS_TICKETS ""
#define LACKS_TICKETS ", session tickets"
#endif

#ifndef NO_OLD_TLS
#define HAS_OLD ", TLS 1.1"
#define LACKS_OLD ""
#else
#define HAS_OLD ""
#define LACKS_OLD ", TLS 1.0 and 1.1"
#endif

#ifdef NO_DES3
#define HAS_DES ""
#define LACKS_DES ", 3DES"
#else
#define HAS_DES ", 3DES"
#define LACKS_DES ""
#endif

#if LIBWOLFSSL_VERSION_HEX < 0x05007000 /* and what tls_engine.c does about it does not help there */
#define LACKS_DECLINE ", resumption in TLS 1.2 with a server that may decline a ticket (such connects fail)"
#else
#define LACKS_DECLINE ""
#endif

const char *rl_tls_library_has(void)
{
    return "TLS 1.2, TLS 1.3" HAS_OLD HAS_ASM HAS_SP HAS_LEAN HAS_TICKETS HAS_KEYLOG HAS_DES;
}

const char *rl_tls_library_lacks(void)
{
    return "static-RSA suites, renegotiation" LACKS_OLD LACKS_ASM LACKS_SP LACKS_LEAN LACKS_TICKETS
        LACKS_KEYLOG LACKS_DES LACKS_DECLINE;
}
