using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Copies;

/// <summary>The room Copies of this host, put together.</summary>
internal sealed class CopyRooms : IDisposable
{
    private readonly CopyParts _parts;
    private readonly HostExports _exports;

    public CopyRooms(CopyParts parts)
    {
        _parts = parts;
        var copier = new DiskCopier(parts.Pools, parts.Disks, parts.Workers, parts.Time);
        var sources = new CopySources(parts, new CopyInstants(parts));
        new HostClones(parts, copier, sources).Register(parts.Executor);
        new HostCaptures(parts, copier, sources).Register(parts.Executor);
        new HostMoves(parts, copier).Register(parts.Executor);
        _exports = new HostExports(parts, copier, sources);
        _exports.Register(parts.Executor, parts.Sweeper);
    }

    public void Map(ApiRoutes api)
    {
        var operations = new OperationRequests(_parts.Time);
        new CloneEndpoints(operations, _parts.Events, new CloneSecrets(_parts.Store, _parts.Secrets), _parts.Time).Map(api);
        new MoveEndpoints(operations).Map(api);
        new ExportEndpoints(operations, _exports, _parts.Time).Map(api);
    }

    /// <summary>Exports that nobody has fetched do not outlive the daemon.</summary>
    public void Dispose() => _exports.Dispose();
}
