#include "snapshot/source/source_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/clock.h"

/*
 * How a mount and a state are told from others, without rights and without writing:
 *
 * - mount: the boot; for each device its number, the kind and id of its file system, and what the
 *   kernel never gives twice while it runs: the sequence number of the disk (since 5.15), or where
 *   there is no disk (btrfs, ZFS, tmpfs) the id of the mount (since 6.8)
 * - state: of btrfs the UUID of the subvolume, of ZFS the id of the dataset, of a device-mapper
 *   volume (so of all LVM) its UUID. Others (a cloud volume, a copied image) have an id in the file
 *   system that a copy of it has too: not known. Nor for a source of several devices
 * - origin: of btrfs the UUID of the subvolume that it is a snapshot of
 */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif
#define ZFS_MAGIC 0x2fc12fc1
#define XFS_MAGIC 0x58465342
#define BCACHEFS_MAGIC 0xca451a4e
#define SYS_TEXT_MAX 512

/* ---- marks ---- */

void source_marks_encode(const struct source_marks *m, uint8_t out[SOURCE_MARKS_LEN])
{
    memcpy(out, m->mount, HASH_LEN);
    memcpy(out + HASH_LEN, m->state, HASH_LEN);
    memcpy(out + 2 * HASH_LEN, m->origin, HASH_LEN);
}

void source_marks_decode(const uint8_t from[SOURCE_MARKS_LEN], struct source_marks *out)
{
    *out = (struct source_marks){.is_remote = false};
    memcpy(out->mount, from, HASH_LEN);
    memcpy(out->state, from + HASH_LEN, HASH_LEN);
    memcpy(out->origin, from + 2 * HASH_LEN, HASH_LEN);
}

static bool is_known(const uint8_t mark[HASH_LEN])
{
    return !bytes_are_zero(bytes_of(mark, HASH_LEN));
}

static bool is_same(const uint8_t a[HASH_LEN], const uint8_t b[HASH_LEN])
{
    return is_known(a) && memcmp(a, b, HASH_LEN) == 0;
}

bool source_marks_same_mount(const struct source_marks *a, const struct source_marks *b)
{
    return is_same(a->mount, b->mount);
}

bool source_marks_other_state(const struct source_marks *a, const struct source_marks *b)
{
    return is_known(a->state) && is_known(b->state) && !is_same(a->state, b->state) &&
           !is_same(a->origin, b->state) && !is_same(b->origin, a->state);
}

/* ---- what the kernel says of a file system ---- */

/* One line of /proc or /sys; "" when there is none. */
static void read_line(const char *path, char out[SYS_TEXT_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, SYS_TEXT_MAX - 1) : 0;

    out[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* The file of its own device in /sys, or for a partition that of its disk. */
static void read_device_line(dev_t device, const char *name, char out[SYS_TEXT_MAX])
{
    char path[128];

    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(device), minor(device),
                   name);
    read_line(path, out);
    if (out[0] != '\0')
        return;
    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/partition", major(device),
                   minor(device));
    read_line(path, out);
    if (out[0] == '\0')
        return;
    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/../%s", major(device), minor(device),
                   name);
    read_line(path, out);
}

/* Those whose changes all get their time from this machine's kernel. */
static bool is_local(const struct statfs *fs)
{
    static const uint32_t local[] = {
        EXT4_SUPER_MAGIC, XFS_MAGIC,      BTRFS_SUPER_MAGIC, ZFS_MAGIC,
        F2FS_SUPER_MAGIC, BCACHEFS_MAGIC, TMPFS_MAGIC,       OVERLAYFS_SUPER_MAGIC};

    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if ((uint32_t)fs->f_type == local[i])
            return true;
    return false;
}

/* "" when the kernel cannot tell this mount from one after it. */
static void name_mount(const struct walk_item *item, char out[SYS_TEXT_MAX])
{
    struct statx more;

    read_device_line(item->st.st_dev, "diskseq", out);
    if (out[0] == '\0' &&
        statx(item->dir, item->name, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID_UNIQUE, &more) == 0 &&
        (more.stx_mask & STATX_MNT_ID_UNIQUE) != 0)
        (void)snprintf(out, SYS_TEXT_MAX, "mount %llu", (unsigned long long)more.stx_mnt_id);
}

static enum err mark_mount(const struct walk_item *item, const struct statfs *fs,
                           uint8_t out[HASH_LEN])
{
    char boot[SYS_TEXT_MAX];
    char own[SYS_TEXT_MAX];
    char all[3 * SYS_TEXT_MAX];
    int len;

    read_line("/proc/sys/kernel/random/boot_id", boot);
    name_mount(item, own);
    if (boot[0] == '\0' || own[0] == '\0')
        return ERR_OK;
    len = snprintf(all, sizeof all, "%s|%s|%u:%u|%lx|%x:%x", boot, own, major(item->st.st_dev),
                   minor(item->st.st_dev), (unsigned long)fs->f_type,
                   (unsigned int)fs->f_fsid.__val[0], (unsigned int)fs->f_fsid.__val[1]);
    return hash_of(bytes_of(all, (size_t)len), out);
}

static enum err mark_subvolume(int fd, struct source_marks *to)
{
    static const uint8_t none[BTRFS_UUID_SIZE];
    struct btrfs_ioctl_get_subvol_info_args info = {0};
    enum err rc = ERR_OK;

    /* Some kernels return 1 for success. */
    if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0 ||
        memcmp(info.uuid, none, sizeof none) == 0)
        return ERR_OK;
    TRY(hash_of(bytes_of(info.uuid, sizeof info.uuid), to->state));
    if (memcmp(info.parent_uuid, none, sizeof none) != 0)
        TRY(hash_of(bytes_of(info.parent_uuid, sizeof info.parent_uuid), to->origin));
out:
    return rc;
}

static enum err mark_state(int fd, dev_t device, const struct statfs *fs, struct source_marks *to)
{
    char uuid[SYS_TEXT_MAX];

    if (fs->f_type == BTRFS_SUPER_MAGIC)
        return mark_subvolume(fd, to);
    if ((uint32_t)fs->f_type == ZFS_MAGIC)
        return hash_of(bytes_of(&fs->f_fsid, sizeof fs->f_fsid), to->state);
    read_device_line(device, "dm/uuid", uuid);
    return uuid[0] == '\0' ? ERR_OK : hash_of(bytes_of(uuid, strlen(uuid)), to->state);
}

/* ---- the clock ---- */

void source_clock_init(struct source_clock *c)
{
    *c = (struct source_clock){.began_ns = clock_now_ns()};
}

/* Its place in the list; c->count when it is not there. */
static size_t find_device(const struct source_clock *c, dev_t device)
{
    size_t i = 0;

    while (i < c->count && c->devices[i].device != device)
        i++;
    return i;
}

/* What cannot be asked leaves its mark unknown: then more is read than need be. */
static enum err mark_device(struct source_clock *c, const struct walk_item *item,
                            struct source_device *d)
{
    bool is_first = c->count == 0;
    struct statfs fs;
    int fd =
        openat(item->dir, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd < 0 || fstatfs(fd, &fs) != 0)
        goto out;
    TRY(mark_mount(item, &fs, d->mount));
    c->first.is_remote |= !is_local(&fs);
    if (is_first && is_local(&fs))
        TRY(mark_state(fd, item->st.st_dev, &fs, &c->first));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static bool is_to_come(const struct source_clock *c, const struct stat *st)
{
    int64_t began_s = c->began_ns / 1000000000;

    return st->st_ctim.tv_sec > began_s ||
           (st->st_ctim.tv_sec == began_s && st->st_ctim.tv_nsec > c->began_ns % 1000000000);
}

enum err source_clock_look(struct source_clock *c, const struct walk_item *item)
{
    const struct timespec *changed = &item->st.st_ctim;
    size_t i = find_device(c, item->st.st_dev);
    struct source_device *d;
    enum err rc = ERR_OK;

    if (i == SOURCE_DEVICES_MAX) {
        c->has_more = true;
        goto out;
    }
    d = &c->devices[i];
    if (i == c->count) {
        *d = (struct source_device){.device = item->st.st_dev, .newest_s = INT64_MIN};
        TRY(mark_device(c, item, d));
        c->count++;
    }
    if (is_to_come(c, &item->st) ||
        (changed->tv_sec < d->newest_s ||
         (changed->tv_sec == d->newest_s && (uint32_t)changed->tv_nsec < d->newest_ns)))
        goto out;
    d->newest_s = changed->tv_sec;
    d->newest_ns = (uint32_t)changed->tv_nsec;
out:
    return rc;
}

void source_clock_meet(struct source_clock *c, dev_t device)
{
    size_t i = find_device(c, device);

    if (i < c->count)
        c->devices[i].is_met = true;
}

size_t source_clock_missed(const struct source_clock *c)
{
    size_t missed = 0;

    for (size_t i = 0; i < c->count; i++)
        missed += !c->devices[i].is_met;
    return missed;
}

bool source_clock_is_settled(const struct source_clock *c, const struct stat *st)
{
    size_t i = find_device(c, st->st_dev);
    const struct source_device *d = i < c->count ? &c->devices[i] : NULL;
    int64_t until_s;

    if (d == NULL || d->newest_s < INT64_MIN + SOURCE_SETTLE_MS)
        return false;
    until_s = d->newest_s - SOURCE_SETTLE_MS / 1000;
    return st->st_ctim.tv_sec < until_s ||
           (st->st_ctim.tv_sec == until_s && (uint32_t)st->st_ctim.tv_nsec < d->newest_ns);
}

enum err source_clock_marks(const struct source_clock *c, struct source_marks *out)
{
    uint8_t mounts[SOURCE_DEVICES_MAX * HASH_LEN];
    struct source_marks m = c->first;
    bool all_known = c->count > 0 && !c->has_more;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < c->count; i++) {
        all_known = all_known && is_known(c->devices[i].mount);
        memcpy(mounts + i * HASH_LEN, c->devices[i].mount, HASH_LEN);
    }
    if (c->count != 1 || c->has_more) {
        memset(m.state, 0, sizeof m.state);
        memset(m.origin, 0, sizeof m.origin);
    }
    memset(m.mount, 0, sizeof m.mount);
    if (all_known)
        TRY(hash_of(bytes_of(mounts, c->count * HASH_LEN), m.mount));
    *out = m;
out:
    return rc;
}
