/* Tags: names with a colour that hang on resources of several kinds. */
#include "model/model.h"
#include "model/tags.h"

static const struct type T_COLOR = {.kind = K_ENUM, .label = "str-enum[ColorVariants]", .words = TAG_COLORS};

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "color", .section = S_BODY, .filter = F_STRICT_ENUM, .type = &T_COLOR},
    {.name = "tagged_count", .enc = E_INT, .section = S_BODY, .show = show_tagged_count},
    COL_NAME,
};

static const struct field fields[] = {
    {"name", &T_STRING, NULL, 255, REQ | UPD | UPD_ANYLEN},
    {"color", &T_COLOR, NULL, 0, UPD},
};
static const struct model body = MODEL("tag", fields);

static int choose_color(struct write *w)
{
    if (!member(w->body, "color"))
        write_set(w, "color", p_text(tag_random_color()));
    return OK;
}

const struct resource resource_tag = {
    .name = "tag",
    .label = "tag",
    .title = "Tag",
    .table = "tag",
    COLUMNS(columns),
    .body = &body,
    .flags = X_NAME_RULE | X_UPDATE_NULLS | X_META_NULL,
    .rank = RANK_TAG,
    .attached = {.slot = SLOT_TAGS,
                 .from = "tag_resource x STRAIGHT_JOIN tag t ON t.id = x.tag_id",
                 .parent = "x.resource_id",
                 .follow = tags_follow},
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS},
    .check_create = choose_color,
    .load = tags_load_counts,
};
