namespace Lamina.Server.Store.Etcd;

/// <summary>The members that this daemon may ask, and the one that it asks now. One that failed is left, and tried again after all others.</summary>
internal sealed class EtcdEndpoints : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<EtcdConnection> _former = [];
    private EtcdConnection[] _connections;
    private int _current;

    public EtcdEndpoints(EtcdAccess access) => _connections = Open(access);

    public EtcdConnection Current
    {
        get
        {
            lock (_gate) return _connections[_current];
        }
    }

    public int Count
    {
        get
        {
            lock (_gate) return _connections.Length;
        }
    }

    /// <summary>Goes on to the next one, unless another caller has done so.</summary>
    public void Leave(EtcdConnection failed)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_connections[_current], failed)) _current = (_current + 1) % _connections.Length;
        }
    }

    /// <summary>Other members, or other certificates. Calls under way end on the former connections.</summary>
    public void Use(EtcdAccess access)
    {
        var opened = Open(access);
        lock (_gate)
        {
            _former.AddRange(_connections);
            _connections = opened;
            _current = 0;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var connection in _connections.Concat(_former)) connection.Dispose();
        }
    }

    private static EtcdConnection[] Open(EtcdAccess access)
    {
        if (access.Endpoints.Count == 0) throw new ArgumentException("No endpoint of etcd is named.", nameof(access));
        return [.. access.Endpoints.Select(endpoint => new EtcdConnection(endpoint, access))];
    }
}
