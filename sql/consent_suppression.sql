-- Suppression: keyed hashes that outlive what they name.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never

-- the keyed hash is HMAC-SHA256 (RFC 4231, cases 6 and 7)
SELECT encode(cdp._keyed_hash(decode(repeat('aa', 131), 'hex'),
	'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex');
SELECT encode(cdp._keyed_hash(decode(repeat('aa', 131), 'hex'),
	'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.'), 'hex');
SELECT cdp._keyed_hash('\x00', 'short');
SELECT length(cdp._random_key()), cdp._random_key() <> cdp._random_key() AS random;

-- no value is kept, and a type's canonical form is what counts
SELECT cdp.suppress('email', 'Ann@Example.com', reason => 'hard_bounce');
SELECT cdp.suppress('phone', '030 1234567', 'sms', 'complaint', '2026-07-01');
SELECT type, channel, reason, until, length(key_hash),
	key_hash = cdp._keyed_hash((SELECT key FROM cdp.secret_key), 'email:ann@example.com') AS ann
FROM cdp.suppression ORDER BY type;
-- the longer one holds
SELECT cdp.suppress('phone', '+49301234567', 'sms', 'complaint', '2026-06-15');
SELECT until FROM cdp.suppression WHERE channel = 'sms';
SELECT cdp.suppress('phone', '+49301234567', 'sms', 'objection');
SELECT until, reason FROM cdp.suppression WHERE channel = 'sms';
SELECT cdp.unsuppress('phone', '+49301234567'), cdp.unsuppress('phone', '+49301234567', 'sms'),
	cdp.unsuppress('phone', '+49301234567', 'sms');
SELECT cdp.suppress('email', 'a@@b');
SELECT cdp.suppress('email', 'a@b.example', 'pigeon');
SELECT cdp.suppress('badge', 'x');
-- one that is over would stop nothing
SELECT cdp.suppress('email', 'eve@example.com', until => cdp.clock());
SELECT cdp.suppress('email', 'eve@example.com', until => '-infinity');
-- nor would one on a channel that reaches nobody by such an address
SELECT cdp.suppress('email', 'eve@example.com', 'sms');
SELECT cdp.suppress('user_id', '17', 'post');
SELECT cdp.suppress('user_id', '17');
SELECT count(*) FROM cdp.suppression;
-- a source beside a type that means the same everywhere gives its region, not
-- a scope: the suppression must be that of the address all the same
SELECT cdp.add_source('shop', default_region => 'AT') IS NOT NULL AS added;
SELECT cdp.suppress('phone', '0664 1234567', source => 'shop');
SELECT cdp.unsuppress('phone', '+436641234567');
SELECT cdp.suppress('email', 'dan@example.com', source => 'shop');
SELECT cdp.unsuppress('email', 'dan@example.com');
