using Lamina.Engine.Migration;

namespace Lamina.Testing.Engine;

/// <summary>
/// What lies between fake engines: guests of engines that share one can migrate to each other. It can be cut and mended, and it keeps count of what may
/// never happen: <see cref="Doubled"/>.
/// </summary>
public sealed class FakeWire
{
    private readonly Lock _guestsLock = new();
    private readonly List<FakeGuest> _guests = [];
    private readonly List<string> _doubled = [];
    private readonly Dictionary<int, FakeGuest> _listeners = [];
    private readonly List<FakeMigration> _migrations = [];

    /// <summary>Each time one VM's guest began to run in one process while it ran in another, in words. Empty, or the hand-over is broken.</summary>
    public IReadOnlyList<string> Doubled
    {
        get { lock (_guestsLock) return [.. _doubled]; }
    }

    public bool IsCut { get; private set; }

    /// <summary>Guards every migration over this wire; taken before a guest's own lock.</summary>
    internal Lock MigrationLock { get; } = new();

    /// <summary>Breaks every connection, and refuses new ones.</summary>
    public void Cut()
    {
        lock (MigrationLock)
        {
            IsCut = true;
            foreach (var migration in _migrations.ToList()) migration.Break("the wire was cut");
        }
    }

    /// <summary>New connections are made again; what was broken stays so.</summary>
    public void Mend()
    {
        lock (MigrationLock) IsCut = false;
    }

    internal void Add(FakeGuest guest)
    {
        lock (_guestsLock) _guests.Add(guest);
    }

    internal void Runs(FakeGuest guest)
    {
        lock (_guestsLock)
        {
            foreach (var other in _guests.Where(other => other != guest && other.Definition.Id == guest.Definition.Id && other.IsRunning))
                _doubled.Add($"{guest.Definition.Name}: epoch {guest.Definition.Epoch} began to run while epoch {other.Definition.Epoch} ran");
        }
    }

    internal MigrationEndpoint? Listen(FakeGuest guest, MigrationListen listen)
    {
        for (var port = listen.FirstPort; port <= listen.LastPort; port++)
        {
            if (_listeners.TryGetValue(port, out var taken) && taken.IsAlive && taken != guest) continue;
            _listeners[port] = guest;
            return new MigrationEndpoint(listen.Address, port, listen.ExportSlots.Count > 0 ? port : null);
        }

        return null;
    }

    internal FakeGuest? Find(MigrationEndpoint endpoint) =>
        !IsCut && _listeners.TryGetValue(endpoint.Port, out var guest) && guest.IsAlive ? guest : null;

    internal void Add(FakeMigration migration)
    {
        _migrations.RemoveAll(old => old.IsOver);
        _migrations.Add(migration);
    }

    internal void Ended(FakeGuest guest)
    {
        lock (MigrationLock)
            foreach (var migration in _migrations.Where(migration => migration.Source == guest || migration.Target == guest).ToList())
                migration.Break("the other side is gone");
    }
}
