#include "tests/unit/snapshot/restore/restore_scene.h"

void make_restore_scene(void **state, struct restore_scene *s)
{
    const struct snapshot *snapshot = NULL;

    *s = (struct restore_scene){0};
    make_world(state, &s->w);
    put_file(in(state, "source/WiredTiger.turtle"), "turtle");
    put_file(in(state, "source/a"), "alpha");
    put_file(in(state, "source/z"), "omega");
    assert_int_equal(mkdir(in(state, "source/d"), 0755), 0);
    put_file(in(state, "source/d/f"), "file");
    assert_int_equal(chmod(in(state, "source"), 0750), 0);
    make_backup(&s->w);
    assert_int_equal(mkdir(in(state, "target"), 0755), 0);
    assert_done(snapshot_list_read(s->w.ledger, &s->c));
    assert_done(snapshot_list_find(&s->c, "latest", &snapshot));
    assert_done(snapshot_reader_open(s->w.repository, s->w.keyring, snapshot, 0, &s->opened));
    s->selection = (struct selection){.from = &s->opened};
    tree_init(&s->tree, &s->selection, false);
    target_init(&s->t, &s->tree, false, false);
}

void clear_restore_scene(struct restore_scene *s)
{
    target_clear(&s->t);
    snapshot_reader_clear(&s->opened);
    snapshot_list_clear(&s->c);
    clear_world(&s->w);
}
