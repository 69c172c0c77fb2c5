# CdpNode.pm: programs for node, in a folder of their own with what npm installs
# there, for TAP tests.
package CdpNode;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(why_no_node node_folder run_in_folder);

my $folder;

# Install npm packages; returns why that cannot be, or nothing.
sub why_no_node
{
	my (@packages) = @_;
	my $output;

	return 'node and npm are not installed'
	  unless run_in_folder(10, \$output, 'node', '--version') && run_in_folder(10, \$output, 'npm', '--version');
	return "npm cannot install @packages"
	  unless run_in_folder(120, \$output, 'npm', 'install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', @packages);
	return;
}

# The folder that npm works in.
sub node_folder
{
	$folder //= PostgreSQL::Test::Utils::tempdir();
	return $folder;
}

# Run a command there, all that it says into $$output; false: it failed, or
# took longer than so many seconds.
sub run_in_folder
{
	my ($seconds, $output, @command) = @_;
	my $in_folder = 'cd "$0" && HOME=$0 npm_config_cache=$0/cache exec "$@"';
	my $done = eval {
		IPC::Run::run([ 'sh', '-c', $in_folder, node_folder(), @command ],
			'<', \undef, '>&', $output, IPC::Run::timeout($seconds));
	};

	return $done;
}

1;
