/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases and other secrets: from a file of the owner's alone, or from the terminal. */
#include "bcemr/hand/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define NEW_PASSPHRASE_MIN 8

hand_secret *hand_secret_new(void)
{
    if (sodium_init() < 0)
        return NULL;
    hand_secret *secret = sodium_malloc(sizeof *secret);
    if (secret)
        memset(secret, 0, sizeof *secret);
    return secret;
}

void hand_secret_free(hand_secret *secret)
{
    sodium_free(secret); /* wipes */
}

bcemr_status hand_private_file(hand *h, const char *path, uint64_t limit, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    struct stat st;
    HAND(files_read(path, limit, out, &h->file));
    if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        hand_doing(h, "use \"%.200s\"", hand_name(bcemr_text(path)));
        HAND_FAIL(BCEMR_E_PERMISSIONS, "secret", NULL);
    }
out:
    if (status != BCEMR_OK)
        bcemr_buf_clear(out);
    return status;
}

static bcemr_status from_file(hand *h, const char *path, hand_secret *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    HAND(hand_private_file(h, path, 65536, &bytes));
    const uint8_t *end = bytes.n > 0 ? memchr(bytes.p, '\n', (size_t)bytes.n) : NULL;
    out->n = end ? (uint64_t)(end - bytes.p) : bytes.n;
    if (out->n > 0 && bytes.p[out->n - 1] == '\r')
        out->n--;
    if (out->n > sizeof out->b)
        HAND_FAIL(BCEMR_E_TOO_LONG, "secret", NULL);
    if (out->n > 0)
        memcpy(out->b, bytes.p, (size_t)out->n);
out:
    bcemr_buf_free(&bytes);
    if (status != BCEMR_OK)
        out->n = 0;
    return status;
}

/* ---- the prompt ---- */

/* One line, byte by byte; false when it was broken off. Signals of the keyboard are off as well, so
 * that nothing leaves the terminal without its echo. */
static bool type_line(int tty, const struct termios *before, hand_secret *out)
{
    uint8_t c = 0;
    out->n = 0;
    while (read(tty, &c, 1) == 1) {
        if (c == '\n' || c == '\r')
            return true;
        if (c == before->c_cc[VINTR] || c == before->c_cc[VQUIT] || c == before->c_cc[VEOF])
            return false;
        if (c == before->c_cc[VERASE] || c == 8)
            out->n -= out->n > 0;
        else if (c == before->c_cc[VKILL])
            out->n = 0;
        else if (out->n < sizeof out->b)
            out->b[out->n++] = c;
    }
    return false;
}

static bcemr_status prompt(hand *h, int tty, const char *what, hand_secret *out)
{
    bcemr_status status = BCEMR_OK;
    struct termios before, quiet;
    char text[512];
    const int n = snprintf(text, sizeof text, "%.400s: ", what);
    if (n < 0 || tcgetattr(tty, &before) != 0)
        HAND_FAIL(BCEMR_E_IO, "terminal", NULL);
    quiet = before;
    quiet.c_lflag &= (tcflag_t) ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0 || write(tty, text, (size_t)n) != n)
        status = BCEMR_E_IO;
    if (status == BCEMR_OK && !type_line(tty, &before, out))
        status = BCEMR_E_INTERRUPTED;
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    if (write(tty, "\n", 1) != 1 && status == BCEMR_OK)
        status = BCEMR_E_IO;
    if (status != BCEMR_OK)
        HAND_FAIL(status, "terminal", NULL);
out:
    return status;
}

static bcemr_status from_terminal(hand *h, int tty, const char *what, bool twice, hand_secret *out)
{
    bcemr_status status = BCEMR_OK;
    hand_secret *again = hand_secret_new();
    if (!again)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "secret", NULL);
    HAND(prompt(h, tty, what, out));
    if (!twice)
        goto out;
    HAND(prompt(h, tty, "the same again", again));
    if (again->n != out->n || sodium_memcmp(again->b, out->b, (size_t)out->n) != 0) {
        hand_doing(h, "take the %.200s: the two are not the same", what);
        HAND_FAIL(BCEMR_E_ARGUMENT, "secret", NULL);
    }
out:
    hand_secret_free(again);
    return status;
}

bcemr_status hand_secret_ask(hand *h, const char *file, const char *option, const char *what,
                             bool fresh, hand_secret *out)
{
    bcemr_status status = BCEMR_OK;
    int tty = -1;
    if (file) {
        HAND(from_file(h, file, out));
    } else {
        tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (tty < 0)
            return hand_misuse(h, "no terminal to ask for the %s; give it in a file: --%s FILE",
                               what, option);
        HAND(from_terminal(h, tty, what, fresh, out));
    }
    if (out->n < (fresh ? NEW_PASSPHRASE_MIN : 1)) {
        hand_doing(h, "take the %.200s%s", what, fresh ? ": a new one has 8 bytes or more" : "");
        HAND_FAIL(BCEMR_E_TOO_SHORT, "secret", NULL);
    }
out:
    if (tty >= 0)
        (void)close(tty);
    return status;
}
