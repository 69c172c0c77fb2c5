/*
 * attach.c
 *		From the identifiers of records to rows: identifiers, profiles, sets.
 *
 * What a batch goes through:
 *
 *	1. its keys are sorted and repeats dropped; then all are probed (probe.c);
 *	2. each missing key gets a leaf, the profile it is born into.  Record by
 *	   record: the live profile of the strongest identifier beside it that is
 *	   known and links, else a new profile id;
 *	3. missing keys are inserted in key order ON CONFLICT DO NOTHING.  Key order
 *	   makes two sessions wait for each other one way round only, and is several
 *	   times cheaper than arrival order.  Probing first keeps sequences dense;
 *	4. keys that another session inserted meanwhile are probed again with a new
 *	   snapshot: without that both would go on with half of the evidence;
 *	5. a new profile is founded by the strongest key that was really inserted
 *	   with its id as leaf;
 *	6. records are reduced to distinct sets, and those to rows, the same way
 *	   (attach_sets.c).
 *
 * Locks.  Only those of inserts: no row that exists is updated or locked, so
 * attach may run beside anything, an uncommitted merge or split included.
 * Whatever it took from a state that is about to be replaced is put right by
 * the stitcher (identity.h, epochs).
 *
 * Cost: a sort of the keys, one index probe a distinct key, three index
 * inserts a new identifier, two and one a member for a new set.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/arrays.h"
#include "identity/attach.h"
#include "identity/plans.h"

/* A key of a record before repeats are dropped. */
typedef struct KeyReference
{
	BatchKey	key;
	int			position;		/* in batch->key_of */
} KeyReference;

/* Total order of keys, the same in every session. */
static int
compare_keys(const BatchKey *a, const BatchKey *b)
{
	int			order;

	if (a->type->type_id != b->type->type_id)
		return a->type->type_id < b->type->type_id ? -1 : 1;
	order = strcmp(a->scope, b->scope);
	return order != 0 ? order : strcmp(a->value, b->value);
}

static int
compare_references(const void *a, const void *b)
{
	return compare_keys(&((const KeyReference *) a)->key,
						&((const KeyReference *) b)->key);
}

/* The key of one identifier of a record. */
static BatchKey
make_key(const CdpIdentitySet *set, const CdpIdentityKey *from)
{
	BatchKey	key = {0};

	key.type = cdp_identity_type_by_name(from->type);
	if (key.type == NULL)
		elog(ERROR, "unknown identifier type \"%s\"", from->type);
	key.scope = key.type->source_scoped ||
		(key.type->is_user_id && set->own_user_ids) ? set->source : "";
	key.value = from->value;
	return key;
}

/* How many distinct keys has a record?  For those that may have too many. */
static int
count_distinct(const CdpIdentitySet *set)
{
	KeyReference *references = palloc(sizeof(KeyReference) * set->nkeys);
	int			distinct = 1;

	for (int i = 0; i < set->nkeys; i++)
		references[i].key = make_key(set, &set->keys[i]);
	qsort(references, set->nkeys, sizeof(KeyReference), compare_references);
	for (int i = 1; i < set->nkeys; i++)
		distinct += compare_references(&references[i - 1], &references[i]) != 0;
	pfree(references);
	return distinct;
}

/* Refuse a record that cannot be evidence. */
static void
check_set(CdpIdentitySet *set)
{
	set->set_id = 0;
	set->owner = 0;
	set->is_new = false;
	set->refused = NULL;
	set->refused_detail = NULL;
	for (int i = 0; i < set->nkeys; i++)
		set->keys[i].identifier_id = 0;
	if (set->nkeys == 0)
	{
		set->refused = CDP_IDENTITY_NO_IDENTIFIER;
		set->refused_detail = "The record names no identifier.";
	}
	else if (set->nkeys > CDP_IDENTITY_MAX_SET &&
			 count_distinct(set) > CDP_IDENTITY_MAX_SET)
	{
		set->refused = CDP_IDENTITY_TOO_MANY;
		set->refused_detail = "A record may name at most "
			CppAsString2(CDP_IDENTITY_MAX_SET) " identifiers.";
	}
}

/* Fill batch->keys with the distinct keys in order, batch->key_of with places. */
static void
collect_keys(Batch *batch)
{
	KeyReference *references;
	int			count = 0;

	for (int i = 0; i < batch->nsets; i++)
		if (batch->sets[i].refused == NULL)
			count += batch->sets[i].nkeys;
	references = palloc_extended(sizeof(KeyReference) * (Size) (count + 1),
								 MCXT_ALLOC_HUGE);
	batch->key_of = palloc(sizeof(int) * (count + 1));
	batch->keys = palloc_extended(sizeof(BatchKey) * (Size) (count + 1),
								  MCXT_ALLOC_HUGE);
	count = 0;
	for (int i = 0; i < batch->nsets; i++)
		for (int j = 0; batch->sets[i].refused == NULL &&
			 j < batch->sets[i].nkeys; j++)
		{
			references[count].key = make_key(&batch->sets[i],
											 &batch->sets[i].keys[j]);
			references[count].position = count;
			count++;
		}
	qsort(references, count, sizeof(KeyReference), compare_references);
	for (int i = 0; i < count; i++)
	{
		if (i == 0 || compare_references(&references[i - 1], &references[i]) != 0)
			batch->keys[batch->nkeys++] = references[i].key;
		batch->key_of[references[i].position] = batch->nkeys - 1;
	}
	pfree(references);
}

/* Read the rows of the keys that are not known yet; leaf is yet their own. */
static void
read_keys(Batch *batch, bool *found)
{
	CdpProbe   *probe = cdp_base_probe_open("identifier",
												"identifier_key_idx", 3);
	int			id_column = cdp_base_probe_column(probe, "identifier_id");
	int			leaf_column = cdp_base_probe_column(probe, "leaf");
	int			blocked_column = cdp_base_probe_column(probe, "blocked");
	int			shared_column = cdp_base_probe_column(probe, "shared");
	int			expired_column = cdp_base_probe_column(probe, "expired");

	for (int i = 0; i < batch->nkeys; i++)
	{
		BatchKey   *key = &batch->keys[i];

		if (key->known ||
			!cdp_base_probe_find(probe, (Datum[]) {
				Int32GetDatum(key->type->type_id),
				CStringGetTextDatum(key->scope),
				CStringGetTextDatum(key->value)
			}))
			continue;
		found[i] = true;
		key->identifier_id =
			DatumGetInt64(cdp_base_probe_value(probe, id_column));
		key->leaf = DatumGetInt64(cdp_base_probe_value(probe, leaf_column));
		key->blocked =
			DatumGetBool(cdp_base_probe_value(probe, blocked_column));
		key->shared =
			DatumGetBool(cdp_base_probe_value(probe, shared_column)) ||
			DatumGetBool(cdp_base_probe_value(probe, expired_column));
	}
	cdp_base_probe_close(probe);
}

/* Look up the keys that are not known yet; sets what is known of them. */
static void
probe_keys(Batch *batch)
{
	bool	   *found = palloc0(sizeof(bool) * (batch->nkeys + 1));
	CdpProbe   *probe;
	int			root_column;

	cdp_base_begin_reading();
	read_keys(batch, found);
	probe = cdp_base_probe_open("profile", "profile_pkey", 1);
	root_column = cdp_base_probe_column(probe, "root");
	for (int i = 0; i < batch->nkeys; i++)
	{
		BatchKey   *key = &batch->keys[i];

		if (!found[i])
			continue;
		key->known = true;
		if (key->leaf != 0 &&
			cdp_base_probe_find(probe, (Datum[]) {Int64GetDatum(key->leaf)}))
			key->leaf = DatumGetInt64(cdp_base_probe_value(probe, root_column));
	}
	cdp_base_probe_close(probe);
	cdp_base_end_reading();
	pfree(found);
}

/* Does the key belong to a profile at all? */
static bool
is_usable(const BatchKey *key)
{
	return key->type->priority > 0 && !key->blocked;
}

/* Is a the stronger one?  Keys are in order, so their places break ties. */
static bool
is_stronger(const BatchKey *a, const BatchKey *b)
{
	if (a->type->priority != b->type->priority)
		return a->type->priority < b->type->priority;
	return a < b;
}

/* The profile that the new identifiers of a record are born into. */
static int64
choose_leaf(Batch *batch, const int *key_of, int nkeys)
{
	BatchKey   *anchor = NULL;

	for (int i = 0; i < nkeys; i++)
	{
		BatchKey   *key = &batch->keys[key_of[i]];

		if (is_usable(key) && !key->shared && key->leaf != 0 &&
			(anchor == NULL || is_stronger(key, anchor)))
			anchor = key;
	}
	if (anchor != NULL)
		return anchor->leaf;
	cdp_identity_list_add(&batch->fresh,
						  cdp_identity_next_number("profile_id_seq"));
	return batch->fresh.ids[batch->fresh.count - 1];
}

/* Give each missing key that can stitch its leaf, record by record. */
static void
assign_leaves(Batch *batch)
{
	const int  *key_of = batch->key_of;

	for (int i = 0; i < batch->nkeys; i++)
		if (!batch->keys[i].known)
			batch->keys[i].blocked = cdp_identity_is_blocked(batch->keys[i].type,
															 batch->keys[i].value);
	for (int i = 0; i < batch->nsets; i++)
	{
		int			nkeys = batch->sets[i].nkeys;
		int64		leaf = 0;

		if (batch->sets[i].refused != NULL)
			continue;
		for (int j = 0; j < nkeys; j++)
		{
			BatchKey   *key = &batch->keys[key_of[j]];

			if (key->known || key->leaf != 0 || !is_usable(key))
				continue;
			if (leaf == 0)
				leaf = choose_leaf(batch, key_of, nkeys);
			key->leaf = leaf;
			key->first_seen = batch->sets[i].observed_at;
		}
		/* Those that belong to no profile want the time as well. */
		for (int j = 0; j < nkeys; j++)
			if (batch->keys[key_of[j]].first_seen == 0)
				batch->keys[key_of[j]].first_seen = batch->sets[i].observed_at;
		key_of += nkeys;
	}
}

/* What a fresh profile is born with: keys that were really inserted. */
typedef struct Birth
{
	BatchKey   *founder;		/* the strongest; NULL: there are none */
	int			marks;
	int			nwatched;
	BatchKey  **watched;		/* what limits count */
} Birth;

/* Add an inserted key to the birth of its leaf, if that is a fresh profile. */
static void
note_birth(Batch *batch, Birth *births, BatchKey *key)
{
	int			place = cdp_identity_list_find(&batch->fresh, key->leaf);
	Birth	   *birth;

	if (place < 0)
		return;
	birth = &births[place];
	if (birth->founder == NULL || is_stronger(key, birth->founder))
		birth->founder = key;
	birth->marks |= cdp_identity_marks(key->type);
	if (!cdp_identity_is_watched(key->type))
		return;
	if (birth->nwatched == 0)
		birth->watched = palloc(sizeof(BatchKey *) * 4);
	else if (birth->nwatched >= 4 && (birth->nwatched & (birth->nwatched - 1)) == 0)
		birth->watched = repalloc(birth->watched,
								  sizeof(BatchKey *) * birth->nwatched * 2);
	birth->watched[birth->nwatched++] = key;
}

static int
compare_births(const void *a, const void *b)
{
	const BatchKey *left = *(BatchKey *const *) a;
	const BatchKey *right = *(BatchKey *const *) b;

	return (left > right) - (left < right);
}

/* Does a profile break a rule from birth?  Orders what it watches by key. */
static bool
is_broken(Birth *birth)
{
	int			known = 0;
	int			alike = 0;
	bool		exceeded = false;

	if (birth->nwatched < 2)
		return false;
	qsort(birth->watched, birth->nwatched, sizeof(BatchKey *), compare_births);
	for (int i = 0; i < birth->nwatched; i++)
	{
		const BatchKey *key = birth->watched[i];
		const BatchKey *last = i == 0 ? key : birth->watched[i - 1];

		known += key->type->known;
		alike = key->type == last->type && strcmp(key->scope, last->scope) == 0 ?
			alike + 1 : 1;
		exceeded |= key->type->max_per_profile > 0 &&
			alike > key->type->max_per_profile;
	}
	return exceeded ||
		((birth->marks & CDP_MARK_NEVER_JOINS) != 0 && known > 1);
}

/* Add what a profile watches from birth to a list, in order of ids. */
static void
add_watched(const Birth *birth, CdpIdList *watched)
{
	CdpIdList	ids = {0};

	for (int i = 0; i < birth->nwatched; i++)
		cdp_identity_list_add(&ids, birth->watched[i]->identifier_id);
	cdp_identity_list_sort(&ids);
	cdp_identity_list_append(watched, ids.ids, ids.count);
}

/* When to look whether it has expired; no sooner than that it has. */
static TimestampTz
first_expiry(const BatchKey *key)
{
	TimestampTz at;

	if (key->type->look_after_us == 0 || key->type->priority == 0)
		return DT_NOBEGIN;
	if (pg_add_s64_overflow(key->first_seen, key->type->look_after_us, &at) ||
		!IS_VALID_TIMESTAMP(at))
		return DT_NOBEGIN;
	return at;
}

/* Insert the missing keys; those inserted become known. */
static void
insert_keys(Batch *batch, Birth *births)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identifier (identifier_id, type_id, scope, value,"
		" leaf, blocked, first_seen, expires_at)"
		" SELECT identifier_id, type_id, scope, value, nullif(leaf, 0),"
		" blocked, first_seen, nullif(expires_at, '-infinity')"
		" FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::text[],"
		" $5::bigint[], $6::boolean[], $7::timestamptz[], $8::timestamptz[])"
		" AS key (identifier_id, type_id, scope, value, leaf, blocked,"
		" first_seen, expires_at)"
		" ON CONFLICT (type_id, scope, value) DO NOTHING"
		" RETURNING identifier_id",
		8, {INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
			INT8ARRAYOID, BOOLARRAYOID, TIMESTAMPTZARRAYOID,
			TIMESTAMPTZARRAYOID}
	};
	int			room = batch->nkeys + 1;
	CdpIdList	ids = {0};
	BatchKey  **missing = palloc(sizeof(BatchKey *) * room);
	int32	   *types = palloc(sizeof(int32) * room);
	const char **scopes = palloc(sizeof(char *) * room);
	const char **values = palloc(sizeof(char *) * room);
	int64	   *leaves = palloc(sizeof(int64) * room);
	bool	   *blocked = palloc(sizeof(bool) * room);
	TimestampTz *seen = palloc(sizeof(TimestampTz) * room);
	TimestampTz *expire = palloc(sizeof(TimestampTz) * room);

	for (int i = 0; i < batch->nkeys; i++)
	{
		BatchKey   *key = &batch->keys[i];
		int			n = ids.count;

		if (key->known)
			continue;
		if (key->identifier_id == 0)
			key->identifier_id = cdp_identity_next_number("identifier_id_seq");
		cdp_identity_list_add(&ids, key->identifier_id);
		missing[n] = key;
		types[n] = key->type->type_id;
		scopes[n] = key->scope;
		values[n] = key->value;
		leaves[n] = key->leaf;
		blocked[n] = key->blocked;
		seen[n] = key->first_seen;
		expire[n] = first_expiry(key);
	}
	cdp_base_execute(&insert_plan, (Datum[]) {
		cdp_identity_list_array(&ids),
		cdp_identity_int4_array(types, ids.count),
		cdp_identity_text_array(scopes, ids.count),
		cdp_identity_text_array(values, ids.count),
		cdp_identity_int8_array(leaves, ids.count),
		cdp_identity_bool_array(blocked, ids.count),
		cdp_identity_time_array(seen, ids.count),
		cdp_identity_time_array(expire, ids.count)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc,
													 1, &isnull));
		BatchKey   *key = missing[cdp_identity_list_find(&ids, id)];

		key->known = true;
		note_birth(batch, births, key);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Make the rows of the fresh profiles that something was born into. */
static void
insert_profiles(Batch *batch, Birth *births)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.profile (profile_id, root, founder, marks, watched,"
		" created_at, rooted_at)"
		" SELECT profile_id, profile_id, founder, marks, ($6)[first : last],"
		" $7, $7"
		" FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[],"
		" $5::integer[]) AS fresh (profile_id, founder, marks, first, last)",
		7, {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
			INT4ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID}
	};
	int			room = batch->fresh.count + 1;
	CdpIdList	profiles = {0};
	CdpIdList	founders = {0};
	CdpIdList	watched = {0};
	int32	   *marks = palloc(sizeof(int32) * room);
	int32	   *first = palloc(sizeof(int32) * room);
	int32	   *last = palloc(sizeof(int32) * room);

	for (int i = 0; i < batch->fresh.count; i++)
	{
		Birth	   *birth = &births[i];

		if (birth->founder == NULL)
			continue;
		/* Then the stitcher looks at all of it, whichever set it judges first. */
		if (is_broken(birth))
			birth->marks |= CDP_MARK_REPLAYED;
		marks[profiles.count] = birth->marks;
		first[profiles.count] = watched.count + 1;
		add_watched(birth, &watched);
		last[profiles.count] = watched.count;
		cdp_identity_list_add(&profiles, batch->fresh.ids[i]);
		cdp_identity_list_add(&founders, birth->founder->identifier_id);
	}
	if (profiles.count > 0)
		cdp_base_execute(&insert_plan, (Datum[]) {
			cdp_identity_list_array(&profiles),
			cdp_identity_list_array(&founders),
			cdp_identity_int4_array(marks, profiles.count),
			cdp_identity_int4_array(first, profiles.count),
			cdp_identity_int4_array(last, profiles.count),
			cdp_identity_list_array(&watched),
			TimestampTzGetDatum(cdp_base_clock())
		}, NULL, false, 0);
}

static bool
has_missing(const Batch *batch)
{
	for (int i = 0; i < batch->nkeys; i++)
		if (!batch->keys[i].known)
			return true;
	return false;
}

/* Find or make all identifiers of the batch. */
static void
attach_keys(Batch *batch)
{
	Birth	   *births;

	probe_keys(batch);
	if (!has_missing(batch))
		return;
	assign_leaves(batch);
	births = palloc0(sizeof(Birth) * (batch->fresh.count + 1));
	for (;;)
	{
		insert_keys(batch, births);
		if (!has_missing(batch))
			break;
		/* Another session was faster; or it was, and deleted them again. */
		CHECK_FOR_INTERRUPTS();
		probe_keys(batch);
		if (!has_missing(batch))
			break;
	}
	insert_profiles(batch, births);
}

/* Is a the better owner of a record?  Must agree with cdp_judge_owner(). */
static bool
is_better_owner(const BatchKey *a, const BatchKey *b)
{
	if (a->shared != b->shared)
		return b->shared;
	return is_stronger(a, b);
}

/* The strongest identifier of a record that links, else one that is shared. */
static int64
choose_owner(const Batch *batch, const int *key_of, int nkeys)
{
	const BatchKey *owner = NULL;

	for (int i = 0; i < nkeys; i++)
	{
		const BatchKey *key = &batch->keys[key_of[i]];

		if (is_usable(key) && (owner == NULL || is_better_owner(key, owner)))
			owner = key;
	}
	return owner ? owner->identifier_id : 0;
}

/* Tell the caller what its identifiers became. */
static void
return_keys(Batch *batch)
{
	const int  *key_of = batch->key_of;

	for (int i = 0; i < batch->nsets; i++)
	{
		CdpIdentitySet *set = &batch->sets[i];

		if (set->refused != NULL)
			continue;
		for (int j = 0; j < set->nkeys; j++)
			set->keys[j].identifier_id = batch->keys[key_of[j]].identifier_id;
		set->owner = choose_owner(batch, key_of, set->nkeys);
		key_of += set->nkeys;
	}
}

/* See identity.h. */
void
cdp_identity_attach(CdpIdentitySet *sets, int nsets, bool queue)
{
	Batch		batch = {sets, nsets};
	int			nest_level;

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	nest_level = cdp_identity_begin_probing();
	batch.state = cdp_identity_refresh_rules();
	for (int i = 0; i < nsets; i++)
		check_set(&sets[i]);
	collect_keys(&batch);
	if (batch.nkeys > 0)
	{
		attach_keys(&batch);
		return_keys(&batch);
		cdp_identity_attach_sets(&batch, queue);
	}
	cdp_identity_end_probing(nest_level);
	SPI_finish();
}
