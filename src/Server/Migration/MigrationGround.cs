using System.Net;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
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

    /// <summary>Of migrations and mirrors (decision 22).</summary>
    public int FirstPort => Host.Instance.ApiPort + 7;

    public int LastPort => FirstPort + PortCount - 1;

    /// <summary>Where guests come in.</summary>
    public string Address => Host.Cache.Snapshot.Get(Keys.Hosts.Spec, Host.HostId)?.Record.Addresses?.Migration ?? IPAddress.Loopback.ToString();

    public CacheSnapshot Now => Host.Cache.Snapshot;
}
