# Everything derived, made anew, equals what the increments left: to the last
# row and id, whatever the batches.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('rebuild');

make_store($node, 'increments');
fill_inbox($node, 'increments', 400);
$node->safe_psql('increments', 'CALL cdp.merge(batch => 117)');
my $digest_call = q{exact_digest('{run_log}', '{as_of,statement_at,updated_at,created_at,since,at,run_id,tried_at,scored_at}')};
my $increments = digest($node, 'increments', $digest_call);
my $canonical = digest($node, 'increments', 'canonical_digest()');
$node->safe_psql('increments', 'CALL cdp.rebuild()');
is(digest($node, 'increments', $digest_call), $increments, 'rebuild equals increments, ids and all');
same_canonically($node, 'increments', $canonical, 'increments', 'and says the same');

# One big batch.
make_store($node, 'at_once');
fill_inbox($node, 'at_once', 400);
$node->safe_psql('at_once', 'CALL cdp.merge(batch => 1000000)');
same_canonically($node, 'at_once', $canonical, 'increments', 'one batch equals many');

# One record at a time, each in its own transaction.
make_store($node, 'one_by_one');
fill_inbox($node, 'one_by_one', 400);
$node->safe_psql('one_by_one', q{
	SET client_min_messages = error;
	CREATE TABLE public.waiting AS SELECT * FROM cdp.inbox;
	DELETE FROM cdp.inbox;
	DO $$
	DECLARE
		message record;
	BEGIN
		FOR message IN SELECT * FROM public.waiting ORDER BY inbox_id LOOP
			BEGIN
				PERFORM cdp.ingest(message.source, message.record::jsonb);
			EXCEPTION WHEN data_exception THEN
				INSERT INTO cdp.inbox (source, record) VALUES (message.source, message.record);
			END;
			COMMIT;
		END LOOP;
	END $$});
$node->safe_psql('one_by_one', 'CALL cdp.merge()');
same_canonically($node, 'one_by_one', $canonical, 'increments', 'one call per record equals bulk');

$node->stop;
done_testing();
