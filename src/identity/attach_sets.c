/*
 * attach_sets.c
 *		The second half of attach: from records to rows of identifier_set.
 *
 * Records with the same identifiers from the same source are one set.  Known
 * sets are not touched: that they were seen again is a row of
 * cdp.identifier_set_seen, which the stitcher adds up, so that many records
 * of one busy set never wait for each other.  New sets are inserted in the
 * order of their identifiers, like identifiers themselves, and become work of
 * phase "stitch".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/attach.h"
#include "identity/plans.h"

/* A distinct set of the batch. */
typedef struct BatchSet
{
	int			source_id;
	int			nids;
	int64	   *ids;			/* ascending, distinct */
	TimestampTz first_seen;
	TimestampTz last_seen;
	int64		records;
	int64		owner;
	int64		set_id;
	bool		known;			/* there is a row */
	bool		is_new;			/* this batch made it */
} BatchSet;

/* Where a record's set is among the distinct ones. */
typedef struct SetReference
{
	BatchSet	set;
	int			record;			/* place in batch->sets */
} SetReference;

static int
compare_sets(const void *a, const void *b)
{
	const BatchSet *left = &((const SetReference *) a)->set;
	const BatchSet *right = &((const SetReference *) b)->set;
	int			shorter = Min(left->nids, right->nids);

	for (int i = 0; i < shorter; i++)
		if (left->ids[i] != right->ids[i])
			return left->ids[i] < right->ids[i] ? -1 : 1;
	if (left->nids != right->nids)
		return left->nids < right->nids ? -1 : 1;
	return (left->source_id > right->source_id) -
		(left->source_id < right->source_id);
}

/* The set of one record. */
static BatchSet
make_set(const CdpIdentitySet *record)
{
	CdpIdList	ids = {0};
	BatchSet	set = {0};

	for (int i = 0; i < record->nkeys; i++)
		cdp_identity_list_add(&ids, record->keys[i].identifier_id);
	cdp_identity_list_sort(&ids);
	set.source_id = record->source_id;
	set.ids = ids.ids;
	set.nids = ids.count;
	set.first_seen = record->observed_at;
	set.last_seen = record->observed_at;
	set.records = 1;
	set.owner = record->owner;
	return set;
}

/*
 * The distinct sets in order; set_of tells for each record which one it is,
 * -1 for a refused one.
 */
static BatchSet *
collect_sets(Batch *batch, int *set_of, int *count)
{
	SetReference *references = palloc_extended(sizeof(SetReference) *
											   (Size) (batch->nsets + 1),
											   MCXT_ALLOC_HUGE);
	BatchSet   *sets;
	int			n = 0;
	int			distinct = 0;

	for (int i = 0; i < batch->nsets; i++)
	{
		set_of[i] = -1;
		if (batch->sets[i].refused != NULL)
			continue;
		references[n].set = make_set(&batch->sets[i]);
		references[n++].record = i;
	}
	qsort(references, n, sizeof(SetReference), compare_sets);
	sets = palloc_extended(sizeof(BatchSet) * (Size) (n + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		BatchSet   *set = &references[i].set;

		if (i == 0 || compare_sets(&references[i - 1], &references[i]) != 0)
			sets[distinct++] = *set;
		else
		{
			BatchSet   *first = &sets[distinct - 1];

			first->first_seen = Min(first->first_seen, set->first_seen);
			first->last_seen = Max(first->last_seen, set->last_seen);
			first->records++;
		}
		set_of[references[i].record] = distinct - 1;
	}
	pfree(references);
	*count = distinct;
	return sets;
}

/* Look up the sets that are not known yet; true if all are known now. */
static bool
probe_sets(BatchSet *sets, int count)
{
	CdpProbe   *probe;
	int			id_column;
	bool		all_known = true;

	cdp_base_begin_reading();
	probe = cdp_base_probe_open("identifier_set", "identifier_set_key_idx", 2);
	id_column = cdp_base_probe_column(probe, "set_id");
	for (int i = 0; i < count; i++)
	{
		BatchSet   *set = &sets[i];

		if (set->known)
			continue;
		set->known = cdp_base_probe_find(probe, (Datum[]) {
			cdp_identity_int8_array(set->ids, set->nids),
			Int32GetDatum(set->source_id)
		});
		if (set->known)
			set->set_id = DatumGetInt64(cdp_base_probe_value(probe, id_column));
		all_known &= set->known;
	}
	cdp_base_probe_close(probe);
	cdp_base_end_reading();
	return all_known;
}

/*
 * Insert the sets that are missing; those inserted become known and new.
 * True if all are known now.
 */
static bool
insert_sets(BatchSet *sets, int count, int64 epoch)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identifier_set (set_id, source_id, identifiers,"
		" first_seen, last_seen, records, owner, epoch)"
		" SELECT set_id, source_id, ($9)[first : last], first_seen,"
		" last_seen, records, nullif(owner, 0), $10"
		" FROM unnest($1::bigint[], $2::integer[], $3::integer[],"
		" $4::integer[], $5::timestamptz[], $6::timestamptz[], $7::bigint[],"
		" $8::bigint[]) AS key (set_id, source_id, first, last, first_seen,"
		" last_seen, records, owner)"
		" ON CONFLICT (identifiers, source_id) DO NOTHING"
		" RETURNING set_id",
		10, {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
			TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID,
			INT8ARRAYOID, INT8ARRAYOID, INT8OID}
	};
	int			room = count + 1;
	CdpIdList	ids = {0};
	CdpIdList	members = {0};
	BatchSet  **missing = palloc(sizeof(BatchSet *) * room);
	int32	   *sources = palloc(sizeof(int32) * room);
	int32	   *first = palloc(sizeof(int32) * room);
	int32	   *last = palloc(sizeof(int32) * room);
	TimestampTz *first_seen = palloc(sizeof(TimestampTz) * room);
	TimestampTz *last_seen = palloc(sizeof(TimestampTz) * room);
	int64	   *records = palloc(sizeof(int64) * room);
	int64	   *owners = palloc(sizeof(int64) * room);

	for (int i = 0; i < count; i++)
	{
		BatchSet   *set = &sets[i];
		int			n = ids.count;

		if (set->known)
			continue;
		if (set->set_id == 0)
			set->set_id = cdp_identity_next_number("identifier_set_id_seq");
		cdp_identity_list_add(&ids, set->set_id);
		missing[n] = set;
		sources[n] = set->source_id;
		first[n] = members.count + 1;
		last[n] = members.count + set->nids;
		cdp_identity_list_append(&members, set->ids, set->nids);
		first_seen[n] = set->first_seen;
		last_seen[n] = set->last_seen;
		records[n] = set->records;
		owners[n] = set->owner;
	}
	cdp_base_execute(&insert_plan, (Datum[]) {
		cdp_identity_list_array(&ids),
		cdp_identity_int4_array(sources, ids.count),
		cdp_identity_int4_array(first, ids.count),
		cdp_identity_int4_array(last, ids.count),
		cdp_identity_time_array(first_seen, ids.count),
		cdp_identity_time_array(last_seen, ids.count),
		cdp_identity_int8_array(records, ids.count),
		cdp_identity_int8_array(owners, ids.count),
		cdp_identity_list_array(&members),
		Int64GetDatum(epoch)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc,
													 1, &isnull));
		BatchSet   *set = missing[cdp_identity_list_find(&ids, id)];

		set->known = true;
		set->is_new = true;
	}
	ids.count -= SPI_processed;
	SPI_freetuptable(SPI_tuptable);
	return ids.count == 0;
}

/* A row of identifier_set_member before it is written. */
typedef struct Member
{
	int64		identifier_id;
	int64		set_id;
} Member;

static int
compare_members(const void *a, const void *b)
{
	const Member *left = a;
	const Member *right = b;

	if (left->identifier_id != right->identifier_id)
		return left->identifier_id < right->identifier_id ? -1 : 1;
	return (left->set_id > right->set_id) - (left->set_id < right->set_id);
}

/* Note the members of the new sets, in index order. */
static void
insert_members(const BatchSet *sets, int count)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identifier_set_member (identifier_id, set_id)"
		" SELECT * FROM unnest($1::bigint[], $2::bigint[])",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	identifiers = {0};
	CdpIdList	set_ids = {0};
	Member	   *members;
	int			n = 0;

	for (int i = 0; i < count; i++)
		n += sets[i].is_new ? sets[i].nids : 0;
	if (n == 0)
		return;
	members = palloc_extended(sizeof(Member) * (Size) n, MCXT_ALLOC_HUGE);
	n = 0;
	for (int i = 0; i < count; i++)
		for (int j = 0; sets[i].is_new && j < sets[i].nids; j++)
			members[n++] = (Member) {sets[i].ids[j], sets[i].set_id};
	qsort(members, n, sizeof(Member), compare_members);
	for (int i = 0; i < n; i++)
	{
		cdp_identity_list_add(&identifiers, members[i].identifier_id);
		cdp_identity_list_add(&set_ids, members[i].set_id);
	}
	cdp_base_execute(&insert_plan, (Datum[]) {
		cdp_identity_list_array(&identifiers),
		cdp_identity_list_array(&set_ids)
	}, NULL, false, 0);
}

/* Note that known sets were seen again. */
static void
insert_seen(const BatchSet *sets, int count)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identifier_set_seen (set_id, first_seen, last_seen, records)"
		" SELECT * FROM unnest($1::bigint[], $2::timestamptz[],"
		" $3::timestamptz[], $4::bigint[])",
		4, {INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	set_ids = {0};
	CdpIdList	records = {0};
	CdpIdList	first = {0};
	CdpIdList	last = {0};

	for (int i = 0; i < count; i++)
	{
		if (sets[i].is_new)
			continue;
		cdp_identity_list_add(&set_ids, sets[i].set_id);
		cdp_identity_list_add(&records, sets[i].records);
		cdp_identity_list_add(&first, sets[i].first_seen);
		cdp_identity_list_add(&last, sets[i].last_seen);
	}
	if (set_ids.count > 0)
		cdp_base_execute(&insert_plan, (Datum[]) {
			cdp_identity_list_array(&set_ids),
			cdp_identity_time_array(first.ids, first.count),
			cdp_identity_time_array(last.ids, last.count),
			cdp_identity_list_array(&records)
		}, NULL, false, 0);
}

/* The new sets are work for the stitcher. */
static void
queue_sets(const BatchSet *sets, int count)
{
	CdpIdList	set_ids = {0};

	for (int i = 0; i < count; i++)
		if (sets[i].is_new)
			cdp_identity_list_add(&set_ids, sets[i].set_id);
	cdp_identity_add_todo("stitch", &set_ids);
}

/* See attach.h. */
void
cdp_identity_attach_sets(Batch *batch, bool queue)
{
	int		   *set_of = palloc(sizeof(int) * (batch->nsets + 1));
	int			count;
	BatchSet   *sets = collect_sets(batch, set_of, &count);

	/* Twice if another session was faster; more if it deleted them again. */
	while (!probe_sets(sets, count))
	{
		CHECK_FOR_INTERRUPTS();
		if (insert_sets(sets, count, batch->state.epoch))
			break;
	}
	insert_members(sets, count);
	insert_seen(sets, count);
	if (queue)
		queue_sets(sets, count);
	for (int i = 0; i < batch->nsets; i++)
	{
		if (set_of[i] < 0)
			continue;
		batch->sets[i].set_id = sets[set_of[i]].set_id;
		batch->sets[i].is_new = sets[set_of[i]].is_new;
	}
}
