using System.Net;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Migration.Cold;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>What hand-overs on this host stand on.</summary>
internal sealed record MigrationGround
{
    private const int PortCount = 100;

    public required VmHost Host { get; init; }
    public required HostVms Vms { get; init; }
    public required HostPools Pools { get; init; }
    public required HostDisks Disks { get; init; }
    public required SecretBox Secrets { get; init; }

    /// <summary>Brings images to this host.</summary>
    public required ContentCopies Copies { get; init; }
    public required PeerDirectory Peers { get; init; }

    /// <summary>Of VMs that come at rest with their files.</summary>
    public required ColdArrivals Arrivals { get; init; }

    /// <summary>Of VMs that go so.</summary>
    public required ColdSender Sender { get; init; }

    /// <summary>Of migrations and mirrors (decision 22).</summary>
    public int FirstPort => Host.Instance.ApiPort + 7;

    public int LastPort => FirstPort + PortCount - 1;

    /// <summary>Where guests come in.</summary>
    public string Address => Host.Cache.Snapshot.Get(Keys.Hosts.Spec, Host.HostId)?.Record.Addresses?.Migration ?? IPAddress.Loopback.ToString();

    /// <summary>How long post-copy may stand still on a broken link.</summary>
    public TimeSpan RecoverPatience =>
        MigrationRoute.SettingsIn(Now).PostCopyPatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : MigrationPlan.RecoverPatience;

    public CacheSnapshot Now => Host.Cache.Snapshot;
}
