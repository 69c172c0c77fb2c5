-- Views of audiences for tools that want a table; made by
-- cdp.create_audience_view(), granted with the roles that may read
-- cdp.audience_member.
CREATE TABLE cdp.audience_view (
	view_name text COLLATE "C" PRIMARY KEY,
	audience_id integer NOT NULL REFERENCES cdp.audience,
	columns text[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
COMMENT ON TABLE cdp.audience_view IS
'views that cdp.create_audience_view() made, with their audiences and columns';

CREATE TRIGGER keep_from_audiences AFTER INSERT OR UPDATE OF pii ON cdp.trait
	FOR EACH ROW WHEN (NEW.pii = 'special')
	EXECUTE FUNCTION cdp._keep_from_audiences();
