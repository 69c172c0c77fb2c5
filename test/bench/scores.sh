#!/usr/bin/env bash
# scores.sh DIR [SCALE]: scores and fits against the oracle in DIR, and speed.
#
# DIR holds the files of the CLV oracle (grid_bgnbd.csv, fits.csv, Telco, ...).  A
# throw-away server runs all of them and prints, for each group of figures,
# how many there are, the largest error and what it may be; what the models say of
# CDNOW's held-out 39 weeks beside what came; then CPU times on SCALE generated
# customers (default 1000000) with the targets beside them.
# Fails if an error is too large or a score is not finite; times only warn.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$(cd "${1:?usage: scores.sh DIR [SCALE]}" && pwd)
scale=${2:-1000000}
source test/server.sh

server=$(mktemp -d)
trap 'server_stop "$server"' EXIT
server_build "$server"
SERVER_CONF="max_parallel_workers_per_gather = 0" server_start "$server"
run() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

run <<SQL
CREATE EXTENSION cdp;
CREATE TABLE grid_bgnbd (paramset text, p1 float8, p2 float8, p3 float8, p4 float8, x float8, t_x float8, t float8, h float8, quantity text, value text, second text);
CREATE TABLE grid_mbgnbd (LIKE grid_bgnbd);
CREATE TABLE grid_pnbd (LIKE grid_bgnbd);
CREATE TABLE grid_bg_dert (model text, paramset text, p1 float8, p2 float8, p3 float8, p4 float8, x float8, t_x float8, t float8, delta text, quantity text, value text);
CREATE TABLE fits_sbg (dataset text, n int, groups int, p1 float8, p2 float8, p3 float8, p4 float8, loglik float8);
CREATE TABLE telco_row (customer text, $(seq -f 'f%g float8' -s ', ' 1 23), churned float8);
CREATE TABLE telco_reference (feature text, mean float8, sd float8, coefficient float8, error float8, position int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE grid_gg (paramset text, p1 float8, p2 float8, p3 float8, x float8, m float8, quantity text, value text);
CREATE TABLE fits (dataset text, model text, n int, n_groups int, p1 float8, p2 float8, p3 float8, p4 float8, loglik float8, grad float8, se1 float8, se2 float8, se3 float8, se4 float8, cond float8, iterations int, status text, route text);
CREATE TABLE cdnow_customers (customer text, x float8, t_x float8, t float8, m float8);
CREATE TABLE cdnow_full39w (customer text, x float8, t_x float8, t float8, m float8, first_amount float8, x_hold float8, spend_hold float8, t_hold float8);
CREATE TABLE cdnow_tx (customer text, day timestamptz, amount numeric);
CREATE TABLE scores (customer text, x float8, t_x float8, t float8, m float8, bg_palive float8, bg_cet39 float8, mbg_palive float8, mbg_cet39 float8, pn_palive float8, pn_cet39 float8, pn_dert float8, gg_spend float8, pn_clv float8);
\copy grid_bgnbd FROM '$data/grid_bgnbd.csv' CSV HEADER
\copy grid_mbgnbd FROM '$data/grid_mbgnbd.csv' CSV HEADER
\copy grid_pnbd FROM '$data/grid_pnbd.csv' CSV HEADER
\copy grid_bg_dert FROM '$data/grid_bg_dert.csv' CSV HEADER
\copy fits_sbg FROM '$data/fits_sbg_bgbb.csv' CSV HEADER
\copy telco_row FROM '$data/telco_churn_numeric.csv' CSV HEADER
\copy telco_reference (feature, mean, sd, coefficient, error) FROM '$data/telco_logit_irls.csv' CSV HEADER
CREATE TABLE telco AS SELECT customer, churned = 1 AS churned, ARRAY[$(seq -f 'f%g' -s ', ' 1 23)] AS features FROM telco_row;
\copy grid_gg FROM '$data/grid_gg.csv' CSV HEADER
\copy fits FROM '$data/fits.csv' CSV HEADER
\copy cdnow_customers FROM '$data/cdnow_customers.csv' CSV HEADER
\copy cdnow_full39w FROM '$data/cdnow_full_rfm_cal39w.csv' CSV HEADER
\copy scores FROM '$data/cdnow_customers_scores.csv' CSV HEADER
SET TimeZone = 'UTC';
\copy cdnow_tx FROM '$data/cdnow_full_tx.csv' CSV HEADER
SQL

echo '== against the oracle'
run -P footer=off -f test/bench/scores.sql -f test/bench/scores/calibration.sql | tee "$server/run/oracle.txt"
echo '== speed, CPU seconds of the backend'
run -v scale="$scale" -P footer=off -f test/bench/scores_speed.sql
if grep -q MISSED "$server/run/oracle.txt"; then
	echo 'a target was missed'
	exit 1
fi
