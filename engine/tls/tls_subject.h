/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_subject - whom an X.509 certificate names, read from its DER: the library keeps none of it. Pure. */
#ifndef RL_TLS_TLS_SUBJECT_H
#define RL_TLS_TLS_SUBJECT_H

#include "base/bytes.h"

/* "CN=localhost,O=Example", in the certificate's own order, with "," "+" and "\" of values escaped by "\";
 * NULL: it cannot be read, or memory is out. Free it with free(). */
char *rl_tls_subject(struct rl_slice der);

#endif
