-- setup.sql: the store of the demo shop: its sources and audiences.
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'Europe/Berlin', default_region => 'DE', currency => 'EUR');
SELECT cdp.add_source('web'), cdp.add_source('app'), cdp.add_source('till'),
	cdp.add_source('crm_north'), cdp.add_source('crm_south'),
	cdp.add_source('dmp', kind => 'third_party');
SELECT cdp.add_destination('newsletter', 'email service');
SELECT cdp.add_audience('win_back', segment => 'lapsed_vip', purpose => 'marketing',
	channel => 'email', destination => 'newsletter');
SELECT cdp.add_audience('finish_cart', segment => 'abandoned_cart', purpose => 'marketing',
	channel => 'email', destination => 'newsletter');
