/*
 * config.c
 *		What a batch must know before it reads: settings and sources.
 *
 * The tables are watched (base/watch.c), so what was read is kept until one of
 * them changes: a new mapping or limit holds from the next batch on, in every
 * session.  A user gets only what a user read.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "ingest/batch.h"

/* Records beyond this are refused whatever the setting says. */
#define HARD_MAX_SIZE (16 * 1024 * 1024)

static CdpPlan setting_plan = {
	"SELECT name, value FROM cdp.setting WHERE value IS NOT NULL"
	" UNION ALL SELECT 'store_id', store_id::text FROM cdp.store", 0
};

static CdpPlan sources_plan = {
	"SELECT source_id, name::text, kind OPERATOR(pg_catalog.=) 'third_party',"
	" default_region, own_user_ids, dedupe_for, mapping, retention FROM cdp.source", 0
};

static struct
{
	MemoryContext memory;		/* NULL: nothing is kept */
	CdpIngestConfig config;
	uint64		watched;		/* when it was read */
	Oid			reader;
} kept;

/* An interval setting in microseconds; a month counts 30 days. */
static int64
interval_us(const char *text)
{
	Interval   *interval = DatumGetIntervalP(
		DirectFunctionCall3(interval_in, CStringGetDatum(text),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));

	return interval->time + (interval->day + interval->month * INT64CONST(30))
		* USECS_PER_DAY;
}

static void
take_setting(CdpIngestConfig *config, const char *name, const char *value)
{
	if (strcmp(name, "store_id") == 0)
		config->store_id = pstrdup(value);
	else if (strcmp(name, "currency") == 0)
		config->currency = pstrdup(value);
	else if (strcmp(name, "default_region") == 0)
		config->region = pstrdup(value);
	else if (strcmp(name, "time_zone") == 0)
		config->zone = pg_tzset(value);
	else if (strcmp(name, "max_record_size") == 0)
		config->max_size = Min(pg_strtoint32(value), HARD_MAX_SIZE);
	else if (strcmp(name, "future_tolerance") == 0)
		config->future_tolerance_us = interval_us(value);
	else if (strcmp(name, "clock_skew_tolerance") == 0)
		config->skew_tolerance_us = interval_us(value);
}

static void
load_settings(CdpIngestConfig *config)
{
	cdp_base_execute(&setting_plan, NULL, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		take_setting(config,
					 SPI_getvalue(SPI_tuptable->vals[i],
								  SPI_tuptable->tupdesc, 1),
					 SPI_getvalue(SPI_tuptable->vals[i],
								  SPI_tuptable->tupdesc, 2));
	SPI_freetuptable(SPI_tuptable);
	if (config->zone == NULL)
		config->zone = pg_tzset("UTC");
}

/* One column of a row of sources. */
static Datum
source_column(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}

static CdpSource *
make_source(uint64 row)
{
	CdpSource  *source = palloc0(sizeof(CdpSource));
	bool		isnull;
	Datum		value;

	source->source_id = DatumGetInt32(source_column(row, 1, &isnull));
	source->name = TextDatumGetCString(source_column(row, 2, &isnull));
	source->third_party = DatumGetBool(source_column(row, 3, &isnull));
	value = source_column(row, 4, &isnull);
	source->region = isnull ? NULL : TextDatumGetCString(value);
	source->own_user_ids = DatumGetBool(source_column(row, 5, &isnull));
	value = source_column(row, 6, &isnull);
	if (!isnull)
	{
		source->dedupe_for = palloc(sizeof(Interval));
		*source->dedupe_for = *DatumGetIntervalP(value);
	}
	value = source_column(row, 8, &isnull);
	if (!isnull)
	{
		source->retention = palloc(sizeof(Interval));
		*source->retention = *DatumGetIntervalP(value);
	}
	value = source_column(row, 7, &isnull);
	if (isnull)
		return source;
	source->mapping = cdp_ingest_compile_mapping(DatumGetJsonbPCopy(value),
												 &source->mapping_problem);
	if (source->mapping == NULL)
		source->mapping_problem.reason = "invalid_mapping";
	return source;
}

void
cdp_ingest_check_mapping(Jsonb *mapping)
{
	CdpReject	problem = {0};

	if (cdp_ingest_compile_mapping(mapping, &problem) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 problem.field == NULL ? errmsg("invalid mapping") :
				 errmsg("invalid mapping of \"%s\"", problem.field),
				 errdetail_internal("%s", problem.message)));
}

/* Read all of it, in the current memory; SPI is connected. */
static void
read_config(CdpIngestConfig *config)
{
	memset(config, 0, sizeof(CdpIngestConfig));
	config->max_size = HARD_MAX_SIZE;
	config->store_id = "";
	load_settings(config);
	/* Not read_only: the snapshot must be younger than what we have heard. */
	cdp_base_execute(&sources_plan, NULL, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		config->sources = lappend(config->sources, make_source(i));
	SPI_freetuptable(SPI_tuptable);
}

/* Keep what was read in that memory, if nothing has changed meanwhile. */
static void
keep_config(MemoryContext memory, const CdpIngestConfig *config, uint64 watched)
{
	if (watched == 0 || cdp_base_watched() != watched)
		return;
	/* A trigger of the user's may ingest while a batch uses the former one. */
	if (kept.memory != NULL)
		MemoryContextSetParent(kept.memory, TopTransactionContext);
	MemoryContextSetParent(memory, TopMemoryContext);
	kept.memory = memory;
	kept.config = *config;
	kept.watched = watched;
	kept.reader = GetUserId();
}

/*
 * Fill *config; what it points to lasts as long as the caller's memory, or the
 * transaction.  SPI is connected.
 */
void
cdp_ingest_load_config(CdpIngestConfig *config)
{
	uint64		watched = cdp_base_watched();

	if (kept.memory != NULL && kept.watched == watched &&
		kept.reader == GetUserId())
		*config = kept.config;
	else
	{
		MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
													 "cdp ingest config",
													 ALLOCSET_SMALL_SIZES);
		MemoryContext caller = MemoryContextSwitchTo(memory);

		read_config(config);
		MemoryContextSwitchTo(caller);
		keep_config(memory, config, watched);
	}
	config->now = cdp_base_clock();
}

/* The source of that name; NULL: there is none. */
CdpSource *
cdp_ingest_find_source(CdpIngestConfig *config, const char *name)
{
	ListCell   *cell;

	if (config->last_source != NULL &&
		strcmp(config->last_source->name, name) == 0)
		return config->last_source;
	foreach(cell, config->sources)
	{
		CdpSource  *source = lfirst(cell);

		if (strcmp(source->name, name) == 0)
			return config->last_source = source;
	}
	return NULL;
}
