# Bytes that are not valid UTF-8 are COPY's own error: nothing is loaded, and
# the ENCODING option is the way in.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('encoding');
make_store($node, 'shop');

my $file = PostgreSQL::Test::Utils::tempdir() . '/latin1.jsonl';
append_to_file($file,
	qq({"type": "identify", "messageId": "m-1", "userId": "u-1", "timestamp": "2026-05-01T10:00:00Z", "traits": {"first_name": "Ann"}}\n)
	  . qq({"type": "identify", "messageId": "m-2", "userId": "u-2", "timestamp": "2026-05-01T10:00:00Z", "traits": {"first_name": "Ren\xe9e"}}\n));
my $copy = q{\copy cdp.inbox(record) FROM '%s' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'%s)};

my ($status, $out, $err) = $node->psql('shop',
	"SET cdp.source = 'web';\n" . sprintf($copy, $file, ''));
like($err, qr/invalid byte sequence for encoding "UTF8": 0xe9/, 'COPY refuses bytes that are not UTF-8');
is($node->safe_psql('shop', 'SELECT count(*) FROM cdp.inbox'), '0', 'and loads nothing');

($status, $out, $err) = $node->psql('shop',
	"SET cdp.source = 'web';\n" . sprintf($copy, $file, q{, ENCODING 'latin1'}));
is($err, '', 'with the right ENCODING it is accepted');
$node->safe_psql('shop', 'CALL cdp.merge()');
is( $node->safe_psql('shop', q{SELECT first_name FROM cdp.unified_profile ORDER BY first_name COLLATE "C"}),
	"Ann\nRen\x{c3}\x{a9}e", 'and right');

$node->stop;
done_testing();
