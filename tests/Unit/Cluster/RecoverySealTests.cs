using System.Text;
using Lamina.Server.Auth;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Unit.Cluster;

/// <summary>Whose word of a recovery is believed, and which of two stores counts.</summary>
public sealed class RecoverySealTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly TlsIdentity _tls;

    public RecoverySealTests() => _tls = Open("ca");

    [Fact]
    public void Only_what_the_clusters_own_authority_has_signed_as_it_stands_is_believed()
    {
        var signed = RecoverySeal.Sign(_tls, Recovery(3, "b"));
        Assert.True(RecoverySeal.Holds(_tls, signed, "cluster"));
        Assert.False(RecoverySeal.Holds(_tls, signed, "another"));
        Assert.False(RecoverySeal.Holds(_tls, Recovery(3, "b"), "cluster"));
        Assert.False(RecoverySeal.Holds(_tls, signed with { Generation = 4 }, "cluster"));
        Assert.False(RecoverySeal.Holds(_tls, signed with { Endpoints = ["https://10.0.0.66:7445"] }, "cluster"));
        Assert.False(RecoverySeal.Holds(_tls, signed with { At = Noon.AddSeconds(1) }, "cluster"));
        Assert.False(RecoverySeal.Holds(_tls, signed with { Signature = Encoding.ASCII.GetBytes("nonsense") }, "cluster"));
        using var strangers = Open("strangers");
        Assert.False(RecoverySeal.Holds(_tls, RecoverySeal.Sign(strangers, Recovery(3, "b")), "cluster"));
    }

    [Theory]
    [InlineData(2, "a", "a.1", false)] // the host's own store
    [InlineData(2, "b", "a.1", true)]
    [InlineData(2, "b", "a.3", false)] // an earlier recovery that came to nothing
    [InlineData(2, "b", "a", true)] // from before generations were written down
    public void A_higher_generation_of_another_etcd_replaces_a_store(long generation, string etcd, string own, bool replaces) =>
        Assert.Equal(replaces, RecoverySeal.Replaces(Recovery(generation, etcd), own, null));

    [Fact]
    public void Of_two_recoveries_with_one_generation_every_host_takes_the_later_one()
    {
        var early = Recovery(2, "b");
        var late = Recovery(2, "c") with { At = Noon.AddMinutes(5) };
        Assert.True(RecoverySeal.Replaces(late, "b.2", early));
        Assert.False(RecoverySeal.Replaces(early, "c.2", late));
        Assert.False(RecoverySeal.Replaces(late, "c.2", late));
    }

    public void Dispose()
    {
        _tls.Dispose();
        _folder.Dispose();
    }

    private static RecoveryRecord Recovery(long generation, string etcd) =>
        new() { ClusterId = "cluster", Generation = generation, Etcd = etcd, Endpoints = ["https://10.0.0.1:7445"], At = Noon, Host = "host-1" };

    private TlsIdentity Open(string name)
    {
        string folder = _folder.File(name);
        Directory.CreateDirectory(folder);
        return TlsIdentity.Open(folder, name, TimeProvider.System, () => ["localhost"], NullLogger<TlsIdentity>.Instance);
    }
}
