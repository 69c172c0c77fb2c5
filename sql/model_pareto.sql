-- Pareto/NBD: scores against an independent computation with 40 digits, its
-- fit against an independent maximum found with 30; what it leaves undefined;
-- and a search for numbers that are not finite.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TimeZone = 'UTC';

CREATE FUNCTION public.pareto(r float8, alpha float8, s float8, beta float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', 'pareto_nbd', 'params', jsonb_build_object(
		'r', r, 'alpha', alpha, 's', s, 'beta', beta))::text::cdp.clv_model
$$;
CREATE FUNCTION public.count_model(kind text, r float8, alpha float8, a float8, b float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', kind, 'params', jsonb_build_object(
		'r', r, 'alpha', alpha, 'a', a, 'b', b))::text::cdp.clv_model
$$;
-- relative error; below what a double can hold 0 is right
CREATE FUNCTION public.miss(got float8, want float8) RETURNS float8
LANGUAGE sql AS $$
	SELECT CASE WHEN got IS NULL THEN 'inf'::float8
		WHEN want = 0 THEN CASE WHEN abs(got) < 1e-289 THEN 0 ELSE 'inf'::float8 END
		ELSE abs(got / want - 1) END
$$;

CREATE TABLE public.oracle (r float8, alpha float8, s float8, beta float8,
	x float8, t_x float8, t float8, loglik float8, alive float8,
	expected_39 float8, expected_100000 float8, dert float8);
INSERT INTO public.oracle VALUES
	(0.5534, 10.5802, 0.6061, 11.6562, 0, 0, 38.86, -0.5211291959732854, 0.29496148643704221, 0.10702894636167581, 7.99778262702550059, 0.47682305811523368),
	(0.5534, 10.5802, 0.6061, 11.6562, 2, 30.43, 38.86, -9.5545106946144221, 0.86911064396813703, 1.45509284384425459, 108.732419245545245, 6.48256236494026247),
	(0.5534, 10.5802, 0.6061, 11.6562, 7, 77.86, 77.86, -26.622557002772740, 1.0, 2.97142405632360874, 288.772882627432874, 15.2421723935026160),
	(0.5534, 10.5802, 0.6061, 11.6562, 500, 990, 1000, -856.12633209733907, 0.85091028201887780, 16.2490407117149623, 5554.20756675916192, 132.742160385164447),
	(0.5534, 10.5802, 0.6061, 11.6562, 50, 10, 38.86, -10.191179443419485, 3.03895174369668889e-18, 1.00732811521689494e-16, 7.52730132685002414e-15, 4.48773241960235726e-16),
	(0.5534, 10.5802, 0.6061, 11.6562, 100000, 3650, 3650, 230749.191863178491, 1.0, 1061.99135656373943, 693736.226568944975, 9578.52556937642575),
	(0.5534, 10.5802, 0.6061, 11.6562, 5000, 5000, 10000, -5025.7720970291382, 0, 0, 0, 0),
	(0.5, 10, 1, 12, 0, 0, 38.86, -0.3882941575473855, 0.15738457617314672, 0.04662316533434844, 0.62126064576466939, 0.14480525845600348),
	(0.5, 10, 1, 12, 2, 30.43, 38.86, -10.075155654964793, 0.79628219011261000, 1.17944201093676403, 15.7162410596074613, 3.66318768798269051),
	(0.5, 10, 1, 12, 7, 77.86, 77.86, -27.468139202630209, 1.0, 2.76509457915039570, 53.8145221060643490, 10.4389021529116397),
	(0.5, 10, 1, 12, 500, 990, 1000, -857.68961804587957, 0.77492822858774506, 14.6950754675993258, 1788.93678880011662, 109.861162277048295),
	(0.5, 10, 1, 12, 50, 10, 38.86, -8.8258495791791088, 6.27483070743089590e-19, 1.87742662843723002e-17, 2.50169903993928271e-16, 5.83103369780750115e-17),
	(0.5, 10, 1, 12, 100000, 3650, 3650, 230762.378255913114, 1.0, 1059.94490050470441, 334496.972982967324, 9257.43401708585467),
	(0.5, 10, 1, 12, 5000, 5000, 10000, -5027.3043268820141, 0, 0, 0, 0),
	(0.5, 10, 1e-9, 12, 0, 0, 38.86, -0.7931869856781808, 0.99999999781623635, 0.39909946687154164, 1023.33195991406243, 3.79011838832208458),
	(0.5, 10, 1e-9, 12, 2, 30.43, 38.86, -8.8587871917412119, 0.99999999976829770, 1.99549733825304144, 5116.65980955834601, 18.9505919786031409),
	(0.5, 10, 1e-9, 12, 7, 77.86, 77.86, -25.454792950789541, 1.0, 3.32916002668017585, 8536.30771094461417, 31.6159546323420039),
	(0.5, 10, 1e-9, 12, 500, 990, 1000, -853.50982571215789, 0.99999999971187417, 19.3262376178262887, 49554.4552503980149, 183.535020063917760),
	(0.5, 10, 1e-9, 12, 50, 10, 38.86, -28.925076269666760, 1.42488680441532979e-9, 5.74358280888660015e-8, 1.47271353149626331e-4, 5.45449458739028245e-7),
	(0.5, 10, 1e-9, 12, 100000, 3650, 3650, 230768.099113982840, 1.0, 1065.57909835500160, 2.73225409162414271e+6, 10119.4596226216982),
	(0.5, 10, 1e-9, 12, 5000, 5000, 10000, -5041.9927091785114, 0, 0, 0, 0),
	(0.7, 10, 0.9, 10, 0, 0, 38.86, -0.5157271668310085, 0.13232805297571881, 0.05598008855647737, 1.05923078254083790, 0.18659435850878373),
	(0.7, 10, 0.9, 10, 2, 30.43, 38.86, -9.9235457897104243, 0.80362913478830060, 1.31130300389276562, 24.8119026385636098, 4.37087094950120386),
	(0.7, 10, 0.9, 10, 7, 77.86, 77.86, -27.141593632981837, 1.0, 2.88110723009554570, 78.6502224293042620, 11.6022778013970470),
	(0.7, 10, 0.9, 10, 500, 990, 1000, -856.79919490710115, 0.79230883074029937, 15.0586227956122026, 2320.38636827877156, 115.034181274766079),
	(0.7, 10, 0.9, 10, 50, 10, 38.86, -7.9033357219137450, 5.51513688899328251e-19, 1.68984890379453068e-17, 3.19745828007438270e-16, 5.63265047110803580e-17),
	(0.7, 10, 0.9, 10, 100000, 3650, 3650, 230764.220300311207, 1.0, 1060.50589845149095, 397056.196450372942, 9337.05807099074619),
	(0.7, 10, 0.9, 10, 5000, 5000, 10000, -5026.1979511390831, 0, 0, 0, 0),
	(0.8, 6, 2.5, 1e6, 0, 0, 38.86, -1.6093410515705828, 0.99981427281638185, 0.69533403305036068, 1583.49436324317871, 6.59757766744832333),
	(0.8, 6, 2.5, 1e6, 2, 30.43, 38.86, -8.8519484224219506, 0.99997168222306097, 2.43405226924984839, 5543.10283258815901, 23.0951573340314628),
	(0.8, 6, 2.5, 1e6, 7, 77.86, 77.86, -25.141487207482946, 1.0, 3.62729754446903660, 8260.53404869127294, 34.4170958880771875),
	(0.8, 6, 2.5, 1e6, 500, 990, 1000, -851.03270356605409, 0.99926464482891126, 19.3994902375205721, 44183.5232341008153, 184.069447306215329),
	(0.8, 6, 2.5, 1e6, 50, 10, 38.86, -5.9070758604697991, 2.23865464366577637e-17, 9.88632719832459132e-16, 2.25142775236357276e-12, 9.38050036909802612e-15),
	(0.8, 6, 2.5, 1e6, 100000, 3650, 3650, 230879.134995388445, 1.0, 1066.69632754502943, 2.43018839190678668e+6, 10121.2276483846484),
	(0.8, 6, 2.5, 1e6, 5000, 5000, 10000, -5020.9711122280019, 0, 0, 0, 0),
	(80, 400, 30, 3000, 0, 0, 38.86, -3.0266549293932983, 0.00842356247694259, 0.04974172754109579, 0.16090609097666385, 0.12467101386961654),
	(80, 400, 30, 3000, 2, 30.43, 38.86, -11.000311089661839, 0.82287464485493100, 4.98061083529814627, 16.1114352034060160, 12.4832375798289098),
	(80, 400, 30, 3000, 7, 77.86, 77.86, -27.252301907301805, 1.0, 5.91104077842235278, 19.3227723601054702, 14.9285261270038889),
	(80, 400, 30, 3000, 500, 990, 1000, -891.17254612449808, 0.45387167806421134, 6.36091792479367700, 25.9355244608120769, 18.7683467947418651),
	(80, 400, 30, 3000, 50, 10, 38.86, -74.390060637568122, 0.00352404333162475, 0.03381580015015408, 0.10938840455257556, 0.08475479839434558),
	(80, 400, 30, 3000, 100000, 3650, 3650, 221083.186748754940, 1.0, 883.859531493298202, 5666.51340996168582, 3471.30675441832325),
	(80, 400, 30, 3000, 5000, 5000, 10000, -5218.6006916438140, 0, 0, 0, 0);
-- dert at a continuous rate of 0.0027 a week
SELECT count(*), max(public.miss(cdp._model_customer_loglik(model, x, t_x, t), loglik)) < 1e-12 AS loglik,
	max(public.miss(cdp.p_alive(model, x, t_x, t), alive)) < 1e-12 AS alive,
	max(public.miss(cdp.expected_purchases(model, x, t_x, t, 39), expected_39)) < 1e-12 AS expected_39,
	max(public.miss(cdp.expected_purchases(model, x, t_x, t, 100000), expected_100000)) < 1e-12 AS expected_100000,
	max(public.miss(cdp.dert(model, x, t_x, t, exp(0.0027::float8 * 365.25 / 7) - 1), dert)) < 1e-12 AS dert
FROM public.oracle, LATERAL (SELECT public.pareto(r, alpha, s, beta) AS model) AS m;

-- the other two models' dert
SELECT kind, count(*), max(public.miss(cdp.dert(public.count_model(kind, r, alpha, a, b), x, t_x, t,
	exp(0.0027::float8 * 365.25 / 7) - 1), value::float8)) < 1e-12 AS dert
FROM (VALUES
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 1.01570193111806988),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 5.15637982615403750),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 26, 30.86, 31, 70.9064865255580571),
	('bgnbd', 0.5, 5, 1, 2, 0, 0, 38.86, 1.54202252222824136),
	('bgnbd', 0.5, 5, 1, 2, 2, 30.43, 38.86, 3.80153502060244613),
	('bgnbd', 0.5, 5, 1, 2, 26, 30.86, 31, 53.5950587699132142),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 0.71634362011254832),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 5.97485366851836372),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 26, 30.86, 31, 72.2384032424521669),
	('mbgnbd', 0.5, 5, 1, 2, 0, 0, 38.86, 0.71984463843211928),
	('mbgnbd', 0.5, 5, 1, 2, 2, 30.43, 38.86, 4.65496879475132933),
	('mbgnbd', 0.5, 5, 1, 2, 26, 30.86, 31, 54.7998069857523453)
) AS oracle (kind, r, alpha, a, b, x, t_x, t, value)
GROUP BY kind
ORDER BY kind;

-- at least one purchase, and a year's worth at 15 %, by an integral of their
-- own with 30 digits
\set gg '{"kind":"gamma_gamma","params":{"p":6.25,"q":3.74,"v":15.44}}'
CREATE TABLE public.integral (r float8, alpha float8, s float8, beta float8,
	x float8, t_x float8, t float8, horizon int, quantity text, value float8);
INSERT INTO public.integral VALUES
	(0.5534, 10.5802, 0.6061, 11.6562, 0, 0, 38.86, 1, 'active', 0.0032314108026211145),
	(0.5534, 10.5802, 0.6061, 11.6562, 0, 0, 38.86, 39, 'active', 0.069245719783465793),
	(0.5534, 10.5802, 0.6061, 11.6562, 0, 0, 38.86, 52, 'year at 15 %', 0.127705053404309606),
	(0.5534, 10.5802, 0.6061, 11.6562, 2, 30.43, 38.86, 1, 'active', 0.0430672707718496223),
	(0.5534, 10.5802, 0.6061, 11.6562, 2, 30.43, 38.86, 39, 'active', 0.591904717640838302),
	(0.5534, 10.5802, 0.6061, 11.6562, 2, 30.43, 38.86, 52, 'year at 15 %', 1.73619114873298785),
	(0.5534, 10.5802, 0.6061, 11.6562, 26, 30.86, 31, 1, 'active', 0.464068425402918644),
	(0.5534, 10.5802, 0.6061, 11.6562, 26, 30.86, 31, 39, 'active', 0.976178355277588695),
	(0.5534, 10.5802, 0.6061, 11.6562, 26, 30.86, 31, 52, 'year at 15 %', 23.8936846889627802),
	(0.5534, 10.5802, 0.6061, 11.6562, 7, 35, 77.86, 1, 'active', 0.00474931827504533014),
	(0.5534, 10.5802, 0.6061, 11.6562, 7, 35, 77.86, 39, 'active', 0.0514627689679039801),
	(0.5534, 10.5802, 0.6061, 11.6562, 7, 35, 77.86, 52, 'year at 15 %', 0.210305792676722704),
	(0.8, 6, 2.5, 1e6, 0, 0, 38.86, 1, 'active', 0.0174795014406201342),
	(0.8, 6, 2.5, 1e6, 0, 0, 38.86, 39, 'active', 0.393672718928560741),
	(0.8, 6, 2.5, 1e6, 0, 0, 38.86, 52, 'year at 15 %', 0.865429632503795099),
	(0.8, 6, 2.5, 1e6, 2, 30.43, 38.86, 1, 'active', 0.0598623833144008305),
	(0.8, 6, 2.5, 1e6, 2, 30.43, 38.86, 39, 'active', 0.826470238489480779),
	(0.8, 6, 2.5, 1e6, 2, 30.43, 38.86, 52, 'year at 15 %', 3.0294805960106919),
	(0.8, 6, 2.5, 1e6, 26, 30.86, 31, 1, 'active', 0.510664775033044005),
	(0.8, 6, 2.5, 1e6, 26, 30.86, 31, 39, 'active', 0.999996042298298409),
	(0.8, 6, 2.5, 1e6, 26, 30.86, 31, 52, 'year at 15 %', 35.1572276603232137),
	(0.8, 6, 2.5, 1e6, 7, 35, 77.86, 1, 'active', 0.0879666965116432044),
	(0.8, 6, 2.5, 1e6, 7, 35, 77.86, 39, 'active', 0.945368354897277772),
	(0.8, 6, 2.5, 1e6, 7, 35, 77.86, 52, 'year at 15 %', 4.49676637278853807),
	(0.5, 10, 1, 12, 0, 0, 38.86, 1, 'active', 0.00157094329001216272),
	(0.5, 10, 1, 12, 0, 0, 38.86, 39, 'active', 0.0309633113091264523),
	(0.5, 10, 1, 12, 0, 0, 38.86, 52, 'year at 15 %', 0.0542913992918146956),
	(0.5, 10, 1, 12, 2, 30.43, 38.86, 1, 'active', 0.0389501962217181645),
	(0.5, 10, 1, 12, 2, 30.43, 38.86, 39, 'active', 0.499202610468089677),
	(0.5, 10, 1, 12, 2, 30.43, 38.86, 52, 'year at 15 %', 1.37342792361061802),
	(0.5, 10, 1, 12, 26, 30.86, 31, 1, 'active', 0.465553538332791099),
	(0.5, 10, 1, 12, 26, 30.86, 31, 39, 'active', 0.961925016197356773),
	(0.5, 10, 1, 12, 26, 30.86, 31, 52, 'year at 15 %', 20.6823465810734511),
	(0.5, 10, 1, 12, 7, 35, 77.86, 1, 'active', 0.0023998043065021364),
	(0.5, 10, 1, 12, 7, 35, 77.86, 39, 'active', 0.0250615244874030638),
	(0.5, 10, 1, 12, 7, 35, 77.86, 52, 'year at 15 %', 0.0974523098420322643),
	(80, 400, 30, 3000, 0, 0, 38.86, 1, 'active', 0.00139556641201542425),
	(80, 400, 30, 3000, 0, 0, 38.86, 39, 'active', 0.00798064056120884941),
	(80, 400, 30, 3000, 0, 0, 38.86, 52, 'year at 15 %', 0.058716040875959747),
	(80, 400, 30, 3000, 2, 30.43, 38.86, 1, 'active', 0.139429850058467346),
	(80, 400, 30, 3000, 2, 30.43, 38.86, 39, 'active', 0.78069523107557842),
	(80, 400, 30, 3000, 2, 30.43, 38.86, 52, 'year at 15 %', 5.87920371585412777),
	(80, 400, 30, 3000, 26, 30.86, 31, 1, 'active', 0.216472447973680347),
	(80, 400, 30, 3000, 26, 30.86, 31, 39, 'active', 0.959600514469898476),
	(80, 400, 30, 3000, 26, 30.86, 31, 52, 'year at 15 %', 9.38551305467236964),
	(80, 400, 30, 3000, 7, 35, 77.86, 1, 'active', 0.000641282801180832614),
	(80, 400, 30, 3000, 7, 35, 77.86, 39, 'active', 0.00367326818501606596),
	(80, 400, 30, 3000, 7, 35, 77.86, 52, 'year at 15 %', 0.0270516101070237026);
SELECT quantity, count(*), max(public.miss(CASE quantity
	WHEN 'active' THEN cdp.p_active(model, x, t_x, t, horizon)
	ELSE cdp.clv(model, :'gg', rfm, 0.15, horizon * interval '7 days') / cdp.expected_spend(:'gg', rfm) END,
	value)) < 1e-12 AS exact
FROM public.integral, LATERAL (SELECT public.pareto(r, alpha, s, beta) AS model, cdp.make_rfm(x, t_x, t, 30) AS rfm) AS m
GROUP BY quantity
ORDER BY quantity;

-- simulated customers: how many with each history
CREATE TABLE public.history (x float8, t_x float8, t float8, customers float8);
INSERT INTO public.history VALUES
	(0, 0, 24, 529), (1, 0, 24, 19), (1, 2, 24, 32), (1, 4, 24, 28), (1, 6, 24, 15), (1, 8, 24, 12),
	(1, 10, 24, 5), (1, 12, 24, 12), (1, 14, 24, 8), (1, 16, 24, 5), (1, 18, 24, 3), (1, 20, 24, 14),
	(1, 22, 24, 4), (1, 24, 24, 6), (2, 0, 24, 1), (2, 2, 24, 6), (2, 4, 24, 2), (2, 6, 24, 10),
	(2, 8, 24, 7), (2, 10, 24, 5), (2, 12, 24, 7), (2, 14, 24, 3), (2, 16, 24, 8), (2, 18, 24, 8),
	(2, 20, 24, 6), (2, 22, 24, 5), (2, 24, 24, 9), (3, 4, 24, 2), (3, 6, 24, 4), (3, 8, 24, 2),
	(3, 10, 24, 1), (3, 12, 24, 4), (3, 14, 24, 4), (3, 16, 24, 5), (3, 18, 24, 4), (3, 20, 24, 6),
	(3, 22, 24, 9), (3, 24, 24, 3), (4, 4, 24, 2), (4, 6, 24, 1), (4, 8, 24, 1), (4, 12, 24, 3),
	(4, 14, 24, 4), (4, 16, 24, 5), (4, 18, 24, 6), (4, 20, 24, 4), (4, 22, 24, 8), (4, 24, 24, 6),
	(5, 6, 24, 2), (5, 10, 24, 1), (5, 14, 24, 2), (5, 16, 24, 1), (5, 18, 24, 4), (5, 20, 24, 2),
	(5, 22, 24, 4), (5, 24, 24, 2), (6, 8, 24, 1), (6, 16, 24, 1), (6, 20, 24, 2), (6, 22, 24, 2),
	(6, 24, 24, 4), (7, 20, 24, 1), (7, 22, 24, 3), (7, 24, 24, 3), (8, 10, 24, 1), (8, 16, 24, 1),
	(8, 20, 24, 2), (8, 22, 24, 2), (9, 18, 24, 2), (9, 22, 24, 1), (9, 24, 24, 1), (12, 22, 24, 1),
	(15, 24, 24, 1);
WITH fitted AS (
	SELECT cdp.fit_pareto_nbd(x, t_x, t, customers) AS model FROM public.history
)
SELECT cdp.model_status(model) AS status, model::jsonb -> 'n' AS n,
	abs(cdp.model_loglik(model) - (-3453.9325933747100)) < 1e-6 AS loglik,
	max(public.miss(cdp.model_param(model, name), param::float8)) < 1e-9 AS params,
	max(public.miss(cdp.model_standard_error(model, name), error::float8)) < 1e-6 AS errors
FROM fitted, (VALUES ('r', 1.5152694984849, 0.5787647298), ('alpha', 16.7264065771811, 4.783810726),
	('s', 0.242131040269053, 0.09344636972), ('beta', 0.399070735587523, 0.6560696197)) AS reference (name, param, error)
GROUP BY 1, 2, 3;

-- one row per customer, in any order, by any number of workers, in groups
CREATE TABLE public.customer AS
SELECT x, t_x, t, n FROM public.history, generate_series(1, customers::integer) AS n
ORDER BY (n * 7919) % 104729, x;
ALTER TABLE public.customer SET (parallel_workers = 3);
ANALYZE public.customer;
CREATE TABLE public.fit AS
SELECT 'weighted' AS way, cdp.fit_pareto_nbd(x, t_x, t, customers) AS model FROM public.history;
INSERT INTO public.fit SELECT 'shuffled', cdp.fit_pareto_nbd(x, t_x, t) FROM (SELECT * FROM public.customer ORDER BY n, x DESC, t_x) AS other;
INSERT INTO public.fit SELECT 'summaries', cdp.fit_pareto_nbd(cdp.make_rfm(x, t_x, t)) FROM public.customer;
INSERT INTO public.fit
SELECT 'group ' || shop, cdp.fit_pareto_nbd(x, t_x, t) FROM public.customer, generate_series(1, 2) AS shop GROUP BY shop;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT cdp.fit_pareto_nbd(x, t_x, t) FROM public.customer;
CREATE TABLE public.parallel_fit AS SELECT 'parallel' AS way, cdp.fit_pareto_nbd(x, t_x, t) AS model FROM public.customer;
INSERT INTO public.fit SELECT * FROM public.parallel_fit;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT fit.way, fit.model::text = one.model::text AS same
FROM public.fit, public.fit AS one
WHERE one.way = 'weighted'
ORDER BY fit.way COLLATE "C";

-- the unit of time changes alpha, beta and the likelihood, and nothing else
SELECT unit, public.miss(cdp.model_param(fitted.model, 'alpha'), cdp.model_param(one.model, 'alpha') * per_week) < 1e-9 AS alpha,
	public.miss(cdp.model_param(fitted.model, 'beta'), cdp.model_param(one.model, 'beta') * per_week) < 1e-9 AS beta,
	public.miss(cdp.model_param(fitted.model, 's'), cdp.model_param(one.model, 's')) < 1e-9 AS s
FROM (SELECT unit, per_week, cdp.fit_pareto_nbd(x, t_x * per_week, t * per_week, customers) AS model
		FROM public.history, (VALUES ('hours', 168), ('years', 7 / 365.25::float8)) AS units (unit, per_week)
		GROUP BY unit, per_week) AS fitted,
	public.fit AS one
WHERE one.way = 'weighted'
ORDER BY unit;

-- too little, at the boundary, all alike, thousands: no error, and finite
SELECT cdp.fit_pareto_nbd(1, 1, 2) AS one, cdp.fit_pareto_nbd(NULL, 1, 2) AS none;
SELECT cdp.fit_pareto_nbd(0, 0, 10) AS one_time FROM generate_series(1, 9);
SELECT what, cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	cdp.p_alive(model, 5, 9, 10) BETWEEN 0 AND 1 AS alive, cdp.model_loglik(model) < 'infinity' AS finite
FROM (
	SELECT 'no dropout' AS what, cdp.fit_pareto_nbd(x, least(10, x * 2), 10, customers) AS model
	FROM (VALUES (0, 30), (1, 5), (2, 5), (5, 25), (9, 7), (15, 3)) AS row (x, customers)
	UNION ALL
	SELECT 'identical', cdp.fit_pareto_nbd(5, 40, 50) FROM generate_series(1, 50)
	UNION ALL
	SELECT 'thousands', cdp.fit_pareto_nbd(n * 1000, 8000, 8760) FROM generate_series(1, 9) AS n
	UNION ALL
	SELECT 'two', cdp.fit_pareto_nbd(n, n, 3) FROM generate_series(0, 1) AS n
) AS fitted
ORDER BY what;
SELECT cdp.fit_pareto_nbd(1, 3, 2);

-- a random search, seed 1: whatever is thrown at a fit, it says something finite
SELECT setseed(0.1);
SELECT count(*) AS fits, count(*) FILTER (WHERE cdp.model_status(model) = 'max_iterations') AS unfinished
FROM (
	SELECT trial, cdp.fit_pareto_nbd(x, CASE WHEN x > 0 THEN t * share ELSE 0 END, t) AS model
	FROM (SELECT trial, floor(10 ^ (random() * power)) - 1 AS x,
			10 ^ (random() * 4) AS t, random() ^ skew AS share
		FROM (SELECT trial, random() * 4 AS power, random() * 5 AS skew
			FROM generate_series(1, 40) AS trial) AS shape, generate_series(1, 30) AS customer) AS thrown
	GROUP BY trial
) AS fitted;

-- intervals hold the value
CREATE TABLE public.held AS SELECT model, rfm FROM public.fit, (VALUES (cdp.make_rfm(2, 20, 24, 30)),
	(cdp.make_rfm(0, 0, 24)), (cdp.make_rfm(9, 3, 24, 5))) AS row (rfm) WHERE way = 'weighted';
SELECT score, bool_and(low < value AND value < high) AS inside
FROM public.held, LATERAL (
	SELECT 'p_alive', cdp.p_alive(model, rfm), i.* FROM cdp.p_alive_interval(model, rfm) AS i
	UNION ALL
	SELECT 'p_active', cdp.p_active(model, rfm, '90 days'), i.* FROM cdp.p_active_interval(model, rfm, '90 days') AS i
	UNION ALL
	SELECT 'churn', cdp.churn(model, rfm, '90 days'), i.* FROM cdp.churn_interval(model, rfm, '90 days') AS i
	UNION ALL
	SELECT 'expected_purchases', cdp.expected_purchases(model, rfm, '1 year'), i.* FROM cdp.expected_purchases_interval(model, rfm, '1 year') AS i
	UNION ALL
	SELECT 'dert', cdp.dert(model, rfm, 0.1), i.* FROM cdp.dert_interval(model, rfm, 0.1) AS i
) AS one (score, value, low, high)
GROUP BY score
ORDER BY score COLLATE "C";
-- p_active's is churn's turned round; a model that was given has none
SELECT abs(active.low - (1 - churn.high)) < 1e-15 AS turned
FROM public.held, cdp.p_active_interval(model, rfm, '90 days') AS active, cdp.churn_interval(model, rfm, '90 days') AS churn
LIMIT 1;
SELECT low < value AND value < high AS inside
FROM cdp.make_rfm(2, 30.43, 38.86, 22.35) AS rfm,
	(SELECT cdp.fit_gamma_gamma(x, 10 + x * 7 % 31) FROM generate_series(1, 50) AS x) AS fitted (model),
	cdp.expected_spend(model, rfm) AS value, cdp.expected_spend_interval(model, rfm);
SELECT p.low, d.low FROM cdp.make_rfm(1, 1, 2) AS rfm, public.pareto(1, 1, 1, 1) AS model,
	cdp.p_alive_interval(model, rfm) AS p, cdp.dert_interval(model, rfm, 0.1) AS d;

-- when will she have bought again: churn by then is what was asked for
SELECT kind, round(probability, 1) AS probability,
	abs(cdp.p_active(model, rfm, next - timestamptz '2026-02-10 00:00+00') - probability) < 1e-9 AS right
FROM (VALUES ('pareto_nbd', public.pareto(0.55, 10.58, 0.61, 11.66)),
	('mbgnbd', public.count_model('mbgnbd', 0.52, 6.18, 0.89, 1.61))) AS models (kind, model),
	LATERAL (SELECT '{"x":3,"t_x":35,"t":40,"unit":"1 day","first_at":"2026-01-01 00:00+00"}'::cdp.rfm_summary AS rfm) AS r,
	(VALUES (0.1), (0.5)) AS asked (probability),
	LATERAL (SELECT cdp.next_purchase_at(model, rfm, probability) AS next) AS n
ORDER BY 1, 2;
-- NULL: rather never than ever; beyond the calendar; from we know not when
SELECT cdp.next_purchase_at(public.pareto(0.55, 10.58, 0.61, 11.66), rfm) AS never,
	cdp.next_purchase_at(public.count_model('bgnbd', 1e-4, 10, 0.9, 1.6), rfm) AS beyond,
	cdp.next_purchase_at(public.count_model('bgnbd', 1, 10, 0.9, 1.6), cdp.make_rfm(0, 0, 40)) AS unknown
FROM (SELECT '{"x":0,"t_x":0,"t":40,"first_at":"2026-01-01 00:00+00"}'::cdp.rfm_summary AS rfm) AS one;
SELECT cdp.next_purchase_at(public.pareto(1, 1, 1, 1), cdp.make_rfm(0, 0, 1), 1);
SELECT cdp.dert(public.pareto(1, 1, 1, 1), 0, 0, 1, 0);
SELECT cdp.dert('{"kind":"pareto_nbd","status":"insufficient"}', 0, 0, 1, 0.1) IS NULL AS unknown;

-- a random search, seed 1: extreme parameters and customers give finite
-- probabilities, and purchases between 0 and what they would be without dropout
CREATE TABLE public.random_case AS
WITH RECURSIVE seed AS (SELECT setseed(0.1)),
draw AS (
	SELECT n, 10 ^ (random() * 9 - 4) AS r, 10 ^ (random() * 12 - 5) AS alpha,
		10 ^ (random() * 12 - 8) AS s, 10 ^ (random() * 14 - 6) AS beta,
		floor(10 ^ (random() * 6 - 1)) AS x, random() AS recency,
		10 ^ (random() * 9 - 3) AS t, 10 ^ (random() * 10 - 3) AS horizon
	FROM seed, generate_series(1, 3000) AS n
)
SELECT *, CASE WHEN x > 0 THEN recency * t ELSE 0 END AS t_x, public.pareto(r, alpha, s, beta) AS model
FROM draw;
SELECT count(*) AS faults
FROM public.random_case,
	LATERAL (SELECT cdp.p_alive(model, x, t_x, t) AS alive,
		cdp.p_active(model, x, t_x, t, horizon) AS active,
		cdp.expected_purchases(model, x, t_x, t, horizon) AS expected,
		cdp.dert(model, x, t_x, t, 0.1) AS dert,
		cdp._model_customer_loglik(model, x, t_x, t) AS loglik) AS score
WHERE NOT (alive BETWEEN 0 AND 1 AND active BETWEEN 0 AND alive
	AND expected >= active * (1 - 1e-9)
	AND expected <= (r + x) * horizon / (alpha + t) * (1 + 1e-9)
	AND dert BETWEEN 0 AND (r + x) / (alpha + t) / (ln(1.1) * 7 / 365.25) * (1 + 1e-9)
	AND loglik < 'infinity')
	OR alive IS NULL OR active IS NULL OR expected IS NULL OR dert IS NULL;
-- more time, more purchases
SELECT count(*) AS faults
FROM public.random_case
WHERE cdp.expected_purchases(model, x, t_x, t, horizon * 1.01)
	< cdp.expected_purchases(model, x, t_x, t, horizon) * (1 - 1e-9);
-- the farthest corners of double precision: a number or NULL, and soon
SELECT count(*) AS scored,
	count(*) FILTER (WHERE NOT (expected >= 0 AND expected < 'infinity' AND active BETWEEN 0 AND 1
		AND alive BETWEEN 0 AND 1 AND dert < 'infinity')) AS faults
FROM unnest(ARRAY[1e-300, 1e-9, 1, 1e9, 1e300]) AS r, unnest(ARRAY[1e-300, 1, 1e300]) AS alpha,
	unnest(ARRAY[1e-300, 1, 1e300]) AS s, unnest(ARRAY[1e-300, 1, 1e300]) AS beta,
	(VALUES (0, 0, 0), (1, 0, 1e300), (3, 1e-300, 1e-300), (9007199254740992, 5, 10)) AS customer (x, t_x, t),
	unnest(ARRAY[0, 1e-300, 1, 1e300]) AS horizon,
	LATERAL (SELECT public.pareto(r, alpha, s, beta) AS model) AS m,
	LATERAL (SELECT cdp.expected_purchases(model, x, t_x, t, horizon) AS expected,
		cdp.p_active(model, x, t_x, t, horizon) AS active,
		cdp.p_alive(model, x, t_x, t) AS alive,
		cdp.dert(model, x, t_x, t, 0.1) AS dert) AS score;

-- a fit can be stopped while it runs
SET statement_timeout = '300ms';
DO $$
BEGIN
	PERFORM cdp.fit_pareto_nbd(n % 60, (n % 60) / 10.0, 6 + n / 1e6) FROM generate_series(1, 200000) AS n;
EXCEPTION WHEN query_canceled THEN
	RAISE WARNING 'stopped';
END
$$;
RESET statement_timeout;
DROP TABLE public.oracle, public.integral, public.history, public.customer, public.fit,
	public.parallel_fit, public.held, public.random_case;
DROP FUNCTION public.pareto, public.count_model, public.miss;
