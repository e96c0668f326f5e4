/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's errors in our words: its numbers differ little between versions, its texts do. */
#include <errno.h>

#include "base/status.h"
#include "tls/tls_impl.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

static const struct {
    int error, status;
} table[] = {
    {ASN_NO_SIGNER_E, RL_ETLS_NO_SIGNER},
    {ASN_SELF_SIGNED_E, RL_ETLS_NO_SIGNER},
    {DOMAIN_NAME_MISMATCH, RL_ETLS_NAME},
    {IPADDR_MISMATCH, RL_ETLS_NAME},
    {ASN_AFTER_DATE_E, RL_ETLS_EXPIRED},
    {ASN_BEFORE_DATE_E, RL_ETLS_NOT_YET},
    {CRL_CERT_REVOKED, RL_ETLS_REVOKED},
    {OCSP_CERT_REVOKED, RL_ETLS_REVOKED},
    {ASN_SIG_CONFIRM_E, RL_ETLS_SIGNATURE},
    {ASN_SIG_HASH_E, RL_ETLS_SIGNATURE},
    {ASN_SIG_KEY_E, RL_ETLS_SIGNATURE},
    {SIG_VERIFY_E, RL_ETLS_SIGNATURE},
    {VERIFY_SIGN_ERROR, RL_ETLS_SIGNATURE},
    {VERIFY_CERT_ERROR, RL_ETLS_BAD_CERT},
    {ASN_PARSE_E, RL_ETLS_BAD_CERT},
    {ASN_CRIT_EXT_E, RL_ETLS_BAD_CERT},
    {ASN_PATHLEN_INV_E, RL_ETLS_BAD_CERT},
    {ASN_PATHLEN_SIZE_E, RL_ETLS_BAD_CERT},
    {NOT_CA_ERROR, RL_ETLS_BAD_CERT},
    {MAX_CHAIN_ERROR, RL_ETLS_BAD_CERT},
    {KEYUSE_SIGNATURE_E, RL_ETLS_BAD_CERT},
    {KEYUSE_ENCIPHER_E, RL_ETLS_BAD_CERT},
    {EXTKEYUSE_AUTH_E, RL_ETLS_BAD_CERT},
    {RSA_KEY_SIZE_E, RL_ETLS_BAD_CERT},
    {ECC_KEY_SIZE_E, RL_ETLS_BAD_CERT},
    {PEER_KEY_ERROR, RL_ETLS_BAD_CERT},
#if LIBWOLFSSL_VERSION_HEX >= 0x05007000
    {UNSUPPORTED_CERTIFICATE, RL_ETLS_BAD_CERT},
#endif
    {NO_PEER_CERT, RL_ETLS_NO_CERT},
    {NO_PEER_VERIFY, RL_ETLS_NO_CERT},
    {UNKNOWN_RECORD_TYPE, RL_ETLS_NOT_TLS},
    {LENGTH_ERROR, RL_ETLS_NOT_TLS},
    {VERSION_ERROR, RL_ETLS_VERSION},
    {UNSUPPORTED_PROTO_VERSION, RL_ETLS_VERSION},
    {MATCH_SUITE_ERROR, RL_ETLS_CIPHER},
    {UNSUPPORTED_SUITE, RL_ETLS_CIPHER},
    {KEY_SHARE_ERROR, RL_ETLS_CIPHER},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, RL_ETLS_ALPN},
    {VERIFY_MAC_ERROR, RL_ETLS_RECORD},
    {DECRYPT_ERROR, RL_ETLS_RECORD},
    {AES_GCM_AUTH_E, RL_ETLS_RECORD},
    {MAC_CMP_FAILED_E, RL_ETLS_RECORD},
    {VERIFY_FINISHED_ERROR, RL_ETLS_SIGNATURE},
    {MEMORY_E, -ENOMEM},
    {MEMORY_ERROR, -ENOMEM},
    {SOCKET_ERROR_E, RL_ETLS_CLOSED},
    {SOCKET_PEER_CLOSED_E, RL_ETLS_CLOSED},
    {OUT_OF_ORDER_E, RL_ETLS_PROTOCOL},
    {SANITY_MSG_E, RL_ETLS_PROTOCOL},
    {DUPLICATE_MSG_E, RL_ETLS_PROTOCOL},
    {UNKNOWN_HANDSHAKE_TYPE, RL_ETLS_PROTOCOL},
    {NO_CHANGE_CIPHER_E, RL_ETLS_PROTOCOL},
    {SECURE_RENEGOTIATION_E, RL_ETLS_PROTOCOL},
    {PARSE_ERROR, RL_ETLS_PROTOCOL},
    {BUFFER_ERROR, RL_ETLS_PROTOCOL},
    {BUFFER_E, RL_ETLS_PROTOCOL},
    {DECODE_E, RL_ETLS_PROTOCOL},
    {INVALID_PARAMETER, RL_ETLS_PROTOCOL},
    {EXT_NOT_ALLOWED, RL_ETLS_PROTOCOL},
    {UNSUPPORTED_EXTENSION, RL_ETLS_PROTOCOL},
    {EXT_MISSING, RL_ETLS_PROTOCOL},
    {HANDSHAKE_SIZE_ERROR, RL_ETLS_PROTOCOL},
    {INCOMPLETE_DATA, RL_ETLS_PROTOCOL},
};

/* LENGTH_ERROR is what a hello gets from a peer that speaks something else; later, a record is bad. */
int rl_tls_status(WOLFSSL *ssl, int error)
{
    WOLFSSL_ALERT_HISTORY alerts;

    if (error == FATAL_ERROR && ssl != NULL) {
        if (wolfSSL_get_alert_history(ssl, &alerts) == WOLFSSL_SUCCESS && alerts.last_rx.code >= 0)
            return rl_status_of_alert((unsigned)alerts.last_rx.code);
        return RL_ETLS_PROTOCOL;
    }
    if (ssl != NULL && wolfSSL_is_init_finished(ssl) &&
        (error == LENGTH_ERROR || error == UNKNOWN_RECORD_TYPE || error == VERSION_ERROR))
        return RL_ETLS_RECORD;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].error == error)
            return table[i].status;
    }
    return RL_ETLS_LIBRARY;
}
