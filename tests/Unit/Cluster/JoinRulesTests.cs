using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Cluster;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster;

public sealed class JoinRulesTests
{
    private const string Version = "0.5.1";

    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly JoinToken Token = JoinToken.Create("AB:CD", ["10.0.0.1:7444"]);

    private static readonly JoinFacts Fitting = new()
    {
        TokenId = Token.Id,
        Secret = Token.Secret,
        HostId = "00000000-0000-0000-0000-000000000002",
        HostName = "two",
        Version = "0.5.0",
        Addresses = Addresses("10.0.0.2"),
        Clock = Now.AddSeconds(1),
        Nonce = "n",
        CpuModels = [new("Haswell-v4", ["avx2", "bmi1"]), new("Westmere-v1", []), new("qemu64-v1", [])],
        DefaultCpuModel = "Westmere-v1",
    };

    [Fact]
    public void AHostThatFitsFits() => Assert.Empty(Check(Fitting));

    [Fact]
    public void AllMisfitsAreToldAtOnce() => Assert.Equal(
        ["cluster.clock", "cluster.sameAddress", "cluster.sameName", "cluster.unreachable", "cluster.version"],
        Check(Fitting with { HostName = "one", Version = "0.7.0", Addresses = Addresses("10.0.0.1"), Clock = Now.AddSeconds(-3) }, unreached: "no answer"));

    [Fact]
    public void AWrongSecretLearnsNothingElse()
    {
        Assert.Equal("cluster.tokenUnknown", JoinRules.Token(Cluster().Build(), Token.Id, "x")!.Code);
        Assert.Equal("cluster.tokenUnknown", JoinRules.Token(Cluster().Build(), "x", Token.Secret)!.Code);
        Assert.Null(JoinRules.Token(Cluster().Build(), Token.Id, Token.Secret));
    }

    [Fact]
    public void ATokenEnds() => Assert.Equal(["cluster.tokenExpired"], Check(Fitting with { Clock = Now.AddHours(2) }, at: Now.AddHours(2)));

    [Fact]
    public void ATokenIsForOneHost()
    {
        Assert.Equal(["cluster.tokenUsed"], Check(Fitting, usedBy: "another"));
        Assert.Empty(Check(Fitting, usedBy: Fitting.HostId));
    }

    [Fact]
    public void AnIdentityIsOneHostAndNeverComesBack()
    {
        Assert.Equal(["cluster.sameId"], Check(Fitting with { HostName = "three" }, change: snapshot => snapshot.Add(Keys.Hosts.Spec, Fitting.HostId, new HostSpec { Name = "three" })));
        Assert.Equal(["cluster.hostRemoved"], Check(Fitting, change: snapshot => snapshot.Add(Keys.RemovedHosts, Fitting.HostId, new RemovedHost { Name = "two", RemovedAt = Now })));
    }

    [Fact]
    public void AWitnessRunsNoVm()
    {
        var import = new ImportManifest { Names = [new("default/vm/web1", "vm-1"), new("default/disk/web1-0", "disk-1")] };
        Assert.Equal(["cluster.witnessHasVms"], Check(Fitting with { Witness = true, Import = import }));
        Assert.Empty(Check(Fitting with { Import = import }));
    }

    [Fact]
    public void AProcessorBelowThatOfTheGuestsIsNamedWithWhatItLacksAndWhatToChoose()
    {
        var misfit = Assert.Single(JoinRules.Check(Haswell(Cluster()).Build(), Fitting, Version, Now, null));
        Assert.Equal("cluster.cpu", misfit.Code);
        Assert.Contains("two lacks avx2, bmi1", misfit.Message, StringComparison.Ordinal);
        Assert.Contains("never move there: db (running).", misfit.Message, StringComparison.Ordinal);
        Assert.EndsWith("lamina placement set --cpu-model Westmere-v1", misfit.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void ALowerCpuChosenByHandLetsItInAndTellsWhichVmsStay()
    {
        var snapshot = Haswell(Cluster()).Add(Keys.PlacementSettings, "", new PlacementSettings { CpuModel = "Westmere-v1" }).Build();
        Assert.Empty(JoinRules.Check(snapshot, Fitting, Version, Now, null));
        Assert.Equal(["db (running) cannot move to two, which lacks features of the CPU that they have."], JoinCpu.Notes(snapshot, Fitting));
        Assert.Empty(JoinCpu.Notes(snapshot, Fitting with { Witness = true }));
    }

    [Fact]
    public void AHigherCpuChosenByHandKeepsItOut()
    {
        var snapshot = Cluster().Add(Keys.Hosts.Status, "one", Offering("Westmere-v1", "Haswell-v4")).Add(Keys.PlacementSettings, "", new PlacementSettings { CpuModel = "Haswell-v4" }).Build();
        Assert.Equal(["cluster.cpu"], JoinRules.Check(snapshot, Fitting, Version, Now, null).Select(misfit => misfit.Code));
    }

    [Fact]
    public void AHostWithoutQemuIsNoHostForGuestsButAWitness()
    {
        var facts = Fitting with { CpuModels = [], DefaultCpuModel = null, NoEngine = "There is no QEMU." };
        Assert.Contains("There is no QEMU.", Assert.Single(JoinRules.Check(Haswell(Cluster()).Build(), facts, Version, Now, null)).Message, StringComparison.Ordinal);
        Assert.Empty(JoinRules.Check(Haswell(Cluster()).Build(), facts with { Witness = true }, Version, Now, null));
    }

    [Fact]
    public void ATokenSurvivesItsText()
    {
        var read = JoinToken.Parse($"  {Token}\n");
        Assert.Equal((Token.Id, Token.Secret, Token.Ca), (read.Id, read.Secret, read.Ca));
        Assert.Equal(Token.Addresses, read.Addresses);
    }

    [Theory]
    [InlineData("")]
    [InlineData("lmt_ci_abc")]
    [InlineData("lmj_")]
    [InlineData("lmj_%%%")]
    [InlineData("lmj_e30")]
    public void WhatIsNoTokenIsRefused(string text) => Assert.Equal("cluster.tokenInvalid", Assert.Throws<ProblemException>(() => JoinToken.Parse(text)).Code);

    private static IEnumerable<string> Check(
        JoinFacts facts, DateTimeOffset? at = null, string? usedBy = null, string? unreached = null, Func<TestSnapshots, TestSnapshots>? change = null)
    {
        var snapshot = Cluster(usedBy);
        return JoinRules.Check((change?.Invoke(snapshot) ?? snapshot).Build(), facts, Version, at ?? Now, unreached).Select(misfit => misfit.Code).Order(StringComparer.Ordinal);
    }

    private static TestSnapshots Haswell(TestSnapshots cluster) => cluster
        .Add(Keys.Hosts.Status, "one", Offering("Haswell-v4", "Westmere-v1"))
        .Add(Keys.Vms.Spec, "vm-db", TestVms.Spec("db") with { Machine = new() { Type = "pc-q35-7.2", CpuModel = "Haswell-v4", MaxCpus = 1 } })
        .Add(Keys.Vms.Status, "vm-db", new VmStatus { Host = "one", Epoch = 1, State = VmState.Running });

    private static HostStatus Offering(string chosen, params string[] others) =>
        new() { Incarnation = "", BootId = "", DaemonVersion = Version, DefaultCpuModel = chosen, CpuModels = [chosen, .. others] };

    private static TestSnapshots Cluster(string? usedBy = null) => new TestSnapshots()
        .Add(Keys.Hosts.Spec, "00000000-0000-0000-0000-000000000001", new HostSpec { Name = "one", Addresses = Addresses("10.0.0.1") })
        .Add(Keys.JoinTokens, Token.Id, new JoinTokenRecord { SecretSha256 = JoinToken.HashOf(Token.Secret), ExpiresAt = Now.AddHours(1), MadeBy = "user:admin", UsedBy = usedBy });

    private static HostAddresses Addresses(string address) => new() { Api = $"{address}:7443", Peer = $"{address}:7444", Migration = address };
}
