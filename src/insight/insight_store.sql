-- The answers to questions; each family has its own insight_<family>_store.sql,
-- which follow in the order of their names.
INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('insight_every', '1 day', 'a merge run makes anew what answers compare a profile with (usual interests, products bought together) when that is older than this', 'interval');
