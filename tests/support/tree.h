/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tree - a folder of a test's own with files in it, as /proc and /sys have them. */
#ifndef RL_TEST_TREE_H
#define RL_TEST_TREE_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[64];

static inline void tree_open(void)
{
    strcpy(tree_root, "/tmp/rl-tree-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tree_root));
}

static inline int tree_remove(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void tree_close(void)
{
    nftw(tree_root, tree_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The full name, its folders made. */
static inline const char *tree_path(const char *path)
{
    static char full[512];

    snprintf(full, sizeof(full), "%s%s", tree_root, path);
    for (char *slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    return full;
}

static inline void tree_put(const char *path, const char *text)
{
    FILE *file = fopen(tree_path(path), "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static inline const char *tree_get(const char *path)
{
    static char text[256];
    FILE *file = fopen(tree_path(path), "r");
    size_t size;

    ck_assert_ptr_nonnull(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

#endif
