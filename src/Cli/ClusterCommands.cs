using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina cluster …</c>: several hosts that act as one.</summary>
internal static class ClusterCommands
{
    /// <summary>A daemon begins anew on another store within a second or two; on a slow machine it may take longer.</summary>
    private static readonly TimeSpan ChangePatience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ChangePause = TimeSpan.FromMilliseconds(200);

    private static readonly IReadOnlyList<Column<ClusterMember>> Members =
    [
        new("host", m => m.Name),
        new("role", m => m.Witness ? $"{Word(m.Role)}, witness" : Word(m.Role)),
        new("state", m => m.Live switch { null => "not known", true => "live", false => m.SilentSince is { } since ? $"silent since {Times.Absolute(since)}" : "silent" }),
        new("leader", m => m.Leader ? "yes" : null),
        new("address", m => m.Addresses.Peer),
        new("daemon", m => m.DaemonVersion),
        new("certificate ends", m => m.CertificateEnds is { } ends ? Times.Absolute(ends) : null),
    ];

    private static readonly IReadOnlyList<Column<ClusterStatus>> Fields =
    [
        new("cluster", c => c.IsCluster ? c.Name : "none: this host is alone"),
        new("id", c => c.Id),
        new("ca", c => c.CaFingerprint),
        new("store", c => c.StoreVersion is { } version ? $"etcd {version}" : c.IsCluster ? "etcd" : "SQLite"),
        new("level", c => c.Level),
        new("voters that may fail", c => c.IsCluster ? c.VotersThatMayFail.ToString(System.Globalization.CultureInfo.InvariantCulture) : null),
    ];

    public static Command Build() => CommandBuilder.Noun("cluster", "several hosts that act as one", Status(), Init(), Token(), Join(), Witness(), Leave(), AddressCommand(), Certificate(), ClusterRecoveryCommands.Build(), RebalanceCommand.Build(), UpgradeCommand.Build());

    private static Command Status() => CommandBuilder.Verb("status", "its hosts, who keeps its store, and what to know of it", [], async (invocation, cancellationToken) =>
    {
        var status = await invocation.Client.Cluster.GetAsync(cancellationToken);
        invocation.Printer.Show(status, ApiJson.Default.ClusterStatus, Fields);
        if (invocation.Printer.Format != OutputFormat.Table) return;
        if (status.Members.Count > 0) invocation.Printer.Rows(status.Members, Members);
        foreach (string note in status.Notes) invocation.Say(note);
    });

    private static Command Init()
    {
        var name = new Option<string>("--name") { Description = "of the cluster", Required = true };
        var address = Address();
        var etcd = new Option<string[]>("--etcd") { Description = "https addresses of an etcd that is there already; else the hosts run their own", AllowMultipleArgumentsPerToken = true };
        var ca = new Option<string?>("--etcd-ca") { Description = "PEM file of its CA, on each host" };
        var certificate = new Option<string?>("--etcd-certificate") { Description = "PEM file of the certificate to show it, on each host" };
        var key = new Option<string?>("--etcd-key") { Description = "PEM file of that certificate's key, on each host" };
        return CommandBuilder.Verb("init", "make this host the first of a cluster; guests run on", [name, address, etcd, ca, certificate, key], async (invocation, cancellationToken) =>
        {
            var external = invocation.Value(etcd) is not { Length: > 0 } endpoints ? null : new ExternalEtcd
            {
                Endpoints = endpoints,
                CaFile = invocation.Value(ca) ?? throw new CliException(ExitCode.Usage, "--etcd needs --etcd-ca"),
                CertificateFile = invocation.Value(certificate) ?? throw new CliException(ExitCode.Usage, "--etcd needs --etcd-certificate"),
                KeyFile = invocation.Value(key) ?? throw new CliException(ExitCode.Usage, "--etcd needs --etcd-key"),
            };
            await invocation.Client.Cluster.InitAsync(new ClusterInit { Name = invocation.Value(name)!, Address = invocation.Value(address), Etcd = external }, cancellationToken);
            await WaitAsync(invocation, status => status.IsCluster, cancellationToken);
            invocation.Say($"this host is the first of the cluster '{invocation.Value(name)}'; let others join: lamina cluster token");
        });
    }

    private static Command Token()
    {
        var minutes = new Option<int?>("--minutes") { Description = "until it ends (default: 60)" };
        return CommandBuilder.Verb("token", "make a secret by which one host may join", [minutes], async (invocation, cancellationToken) =>
        {
            var token = await invocation.Client.Cluster.CreateTokenAsync(new ClusterTokenCreate { LifetimeMinutes = invocation.Value(minutes) }, cancellationToken);
            if (invocation.Printer.Format != OutputFormat.Table) invocation.Printer.Show(token, ApiJson.Default.ClusterToken, []);
            else
            {
                Console.Out.WriteLine(token.Token);
                invocation.Say($"on the host that is to join, until {Times.Absolute(token.ExpiresAt)}: lamina cluster join TOKEN");
            }
        });
    }

    private static Command Join() => Join("join", "make this host a member of the token's cluster", witness: false);

    private static Command Witness() => Join("witness", "make this machine a member that only votes and runs no VM", witness: true);

    private static Command Join(string verb, string description, bool witness)
    {
        var token = new Argument<string>("token") { Description = "what 'lamina cluster token' printed on a member" };
        var address = Address();
        var dryRun = new Option<bool>("--dry-run") { Description = "only say what stands against it" };
        return CommandBuilder.Verb(verb, description, [token, address, dryRun], async (invocation, cancellationToken) =>
        {
            var join = new ClusterJoin { Token = invocation.Value(token), Address = invocation.Value(address), Witness = witness, DryRun = invocation.Value(dryRun) };
            var joined = await invocation.Client.Cluster.JoinAsync(join, cancellationToken);
            if (join.DryRun)
            {
                invocation.Say($"nothing stands against joining the cluster '{joined.Cluster}'");
                foreach (string note in joined.Notes) invocation.Say(note);
                return;
            }

            await WaitAsync(invocation, status => status.IsCluster, cancellationToken);
            invocation.Say($"this host is a member of the cluster '{joined.Cluster}'; contexts that pinned its own CA log in again, to {joined.CaFingerprint}");
            foreach (string note in joined.Notes) invocation.Say(note);
        });
    }

    private static Command Leave()
    {
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("leave", "take this host out of its cluster; it begins anew, alone", [yes], async (invocation, cancellationToken) =>
        {
            var status = await invocation.Client.Cluster.GetAsync(cancellationToken);
            var own = status.Members.FirstOrDefault(member => member.Id == status.Host) ?? throw new CliException(ExitCode.Conflict, "this host is in no cluster");
            Terminal.Confirm($"Take {own.Name} out of the cluster '{status.Name}'?", invocation.Value(yes));
            await invocation.Client.Hosts.RemoveAsync(own.Id, dead: false, cancellationToken);
            invocation.Say($"{own.Name} is no member of '{status.Name}' any more");
        });
    }

    private static Command AddressCommand()
    {
        var address = new Argument<string>("address") { Description = "an address of this host" };
        return CommandBuilder.Verb("address", "let the other hosts reach this one at another address; taken back unless all of them do", [address], async (invocation, cancellationToken) =>
        {
            var begun = await invocation.Client.Cluster.ChangeAddressAsync(new ClusterAddress { Address = invocation.Value(address) }, cancellationToken);
            var status = await WaitAsync(invocation, status => status.IsCluster && status.AddressChange is not { Problem: null }, cancellationToken);
            if (status.AddressChange is { Problem: { } problem }) throw new CliException(ExitCode.Conflict, $"this host has stayed at {begun.Former}: {problem}", "mend that, then try again");
            invocation.Say($"this host is reached at {begun.Wanted}, no longer at {begun.Former}");
        });
    }

    private static Command Certificate() => CommandBuilder.Noun(
        "certificate",
        "of this host among the members",
        CommandBuilder.Verb("rotate", "make a new one now; it is renewed by itself before it ends", [], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Cluster.RotateCertificateAsync(cancellationToken);
            invocation.Say("this host has a new certificate among the members");
        }));

    private static Option<string?> Address() => new("--address") { Description = "by which the other hosts reach this one" };

    private static string Word(ClusterRole role) => role.ToString().ToLowerInvariant();

    /// <summary>The daemon begins anew on the cluster's store.</summary>
    private static async Task<ClusterStatus> WaitAsync(Invocation invocation, Predicate<ClusterStatus> holds, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(ChangePatience);
        while (true)
        {
            try
            {
                using var client = invocation.Connect(TimeSpan.FromSeconds(10));
                if (await client.Cluster.GetAsync(patience.Token) is { } status && holds(status)) return status;
            }
            catch (Exception notYet) when (notYet is LaminaUnreachableException or LaminaException && !patience.IsCancellationRequested)
            {
                // Between the two.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new CliException(ExitCode.TimedOut, "the daemon has not begun anew in time", "look at its log, and at: lamina cluster status");
            }

            await Task.Delay(ChangePause, TimeProvider.System, cancellationToken);
        }
    }
}
