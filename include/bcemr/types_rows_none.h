/* SPDX-License-Identifier: Apache-2.0 */
/* Gives every row of types.def that the includer did not define an empty meaning. */
#ifndef VALUES
#define VALUES(table, text)
#endif
#ifndef VALUE
#define VALUE(table, name, number, text)
#endif
#ifndef VALUES_END
#define VALUES_END(table)
#endif
#ifndef TYPE
#define TYPE(t, label, section, text)
#endif
#ifndef TUPLE
#define TUPLE(t, section, text)
#endif
#ifndef EMPTY
#define EMPTY(t, label, section, text)
#endif
#ifndef END
#define END(t)
#endif
#ifndef HASH
#define HASH(t, field, text)
#endif
#ifndef G1
#define G1(t, field, text)
#endif
#ifndef G2
#define G2(t, field, text)
#endif
#ifndef SCALAR
#define SCALAR(t, field, text)
#endif
#ifndef ED
#define ED(t, field, text)
#endif
#ifndef X25519
#define X25519(t, field, text)
#endif
#ifndef EDSIG
#define EDSIG(t, field, text)
#endif
#ifndef POK
#define POK(t, field, text)
#endif
#ifndef NONCE
#define NONCE(t, field, text)
#endif
#ifndef BYTES16
#define BYTES16(t, field, text)
#endif
#ifndef NONCE24
#define NONCE24(t, field, text)
#endif
#ifndef MAC
#define MAC(t, field, text)
#endif
#ifndef OPT
#define OPT(t, field, n, text)
#endif
#ifndef ID
#define ID(t, field, text)
#endif
#ifndef TEXT
#define TEXT(t, field, lo, hi, text)
#endif
#ifndef BYTES
#define BYTES(t, field, lo, hi, text)
#endif
#ifndef UINT
#define UINT(t, field, lo, hi, text)
#endif
#ifndef TIME
#define TIME(t, field, text)
#endif
#ifndef ENUM
#define ENUM(t, field, table, text)
#endif
#ifndef TR
#define TR(t, field, which, text)
#endif
#ifndef ENTRY
#define ENTRY(t, field, text)
#endif
#ifndef PRESENCE
#define PRESENCE(t, field, text)
#endif
#ifndef ANY_TERMS
#define ANY_TERMS(t, field, text)
#endif
#ifndef LIST
#define LIST(t, field, item, lo, hi, text)
#endif
#ifndef DERIVATION
#define DERIVATION(name, label, text)
#endif
