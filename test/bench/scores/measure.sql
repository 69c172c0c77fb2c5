-- measure.sql: run :statement, note CPU and peak memory under :what.
SET client_min_messages = warning;
SELECT bench.peak_mb() AS mb, bench.cpu() AS started \gset
:statement;
INSERT INTO bench.took (what, units, seconds, mb)
SELECT :'what', :units, bench.cpu() - :started, bench.peak_mb() - :mb;
