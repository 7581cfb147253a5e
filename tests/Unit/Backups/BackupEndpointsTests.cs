using Lamina.Server;
using Lamina.Server.Backups;
using Lamina.Server.Store;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Backups;

/// <summary>Who is asked for an archive of the state says in words where there is none.</summary>
public sealed class BackupEndpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AMemberOfAClusterTellsWhereTheClustersStateIsKept()
    {
        Write(new StoreDescription(StoreDescription.Etcd, "etcd"));
        var refusal = BackupEndpoints.RefusalIn(Here)!;
        Assert.Equal("backup.inCluster", refusal.Code);
        Assert.Contains(Here.BackupDirectory, refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AHostOfItsOwnGivesOne()
    {
        Assert.Null(BackupEndpoints.RefusalIn(Here));
        Write(new StoreDescription(StoreDescription.Sqlite, "store.db"));
        Assert.Null(BackupEndpoints.RefusalIn(Here));
    }

    private Instance Here => new()
    {
        Name = "one", Number = 1, DataDirectory = _folder.File("data"), RunDirectory = _folder.File("run"), ConfigurationDirectory = _folder.File("etc"), LogDirectory = _folder.File("log"),
    };

    private void Write(StoreDescription description)
    {
        Directory.CreateDirectory(Here.StoreDirectory);
        StoreFolder.Write(Here.StoreDirectory, description);
    }
}
