using System.Text.Json.Nodes;

namespace Lamina.Api.Client;

/// <summary><c>/v1/vms/{vm}/disks</c>, <c>/nics</c> and <c>/cdroms</c>. Each ends when the host has done it, or knows that it waits for a restart.</summary>
public sealed class VmDevicesClient
{
    private readonly ApiConnection _connection;

    internal VmDevicesClient(ApiConnection connection) => _connection = connection;

    public Task<Operation> AddDiskAsync(string vm, VmDiskAdd add, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "disks"), add, ApiJson.Default.VmDiskAdd, ApiJson.Default.Operation, cancellationToken);

    /// <param name="vm">Its name or id.</param>
    /// <param name="disk">Its slot, name or id.</param>
    /// <param name="update">What changes; a limit of 0 is none.</param>
    /// <param name="cancellationToken">Ends the request, not the change.</param>
    public Task<Operation> UpdateDiskAsync(string vm, string disk, VmDiskUpdate update, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(vm, "disks", disk), update, ApiJson.Default.VmDiskUpdate, ApiJson.Default.Operation, ifMatch: null, cancellationToken);

    /// <param name="vm">Its name or id.</param>
    /// <param name="disk">Its slot, name or id.</param>
    /// <param name="delete">Delete it once the guest has let go of it; else it stays, as a disk of its own.</param>
    /// <param name="cancellationToken">Ends the request, not the change.</param>
    public Task<Operation> DetachDiskAsync(string vm, string disk, bool delete, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(vm, "disks", disk).With("delete", delete ? "true" : null), ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> AddNicAsync(string vm, VmNicCreate add, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "nics"), add, ApiJson.Default.VmNicCreate, ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> UpdateNicAsync(string vm, int slot, VmNicUpdate update, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(vm, "nics", Text(slot)), update, ApiJson.Default.VmNicUpdate, ApiJson.Default.Operation, ifMatch: null, cancellationToken);

    public Task<Operation> RemoveNicAsync(string vm, int slot, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(vm, "nics", Text(slot)), ApiJson.Default.Operation, cancellationToken);

    /// <summary>A further drive, with a medium or empty.</summary>
    public Task<Operation> AddCdromAsync(string vm, VmCdromChange drive, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "cdroms"), drive, ApiJson.Default.VmCdromChange, ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> InsertAsync(string vm, int slot, string iso, bool force, CancellationToken cancellationToken) =>
        ChangeMediumAsync(vm, slot, iso, force, cancellationToken);

    /// <param name="vm">Its name or id.</param>
    /// <param name="slot">The drive.</param>
    /// <param name="force">Also when the guest holds the tray.</param>
    /// <param name="cancellationToken">Ends the request, not the change.</param>
    public Task<Operation> EjectAsync(string vm, int slot, bool force, CancellationToken cancellationToken) =>
        ChangeMediumAsync(vm, slot, null, force, cancellationToken);

    public Task<Operation> RemoveCdromAsync(string vm, int slot, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(vm, "cdroms", Text(slot)), ApiJson.Default.Operation, cancellationToken);

    /// <summary>In a merge patch null is a value; a record would leave it out.</summary>
    private Task<Operation> ChangeMediumAsync(string vm, int slot, string? iso, bool force, CancellationToken cancellationToken) => _connection.PatchAsync(
        Path(vm, "cdroms", Text(slot)).With("force", force ? "true" : null), new JsonObject { ["iso"] = iso }, ApiJson.Default.JsonObject, ApiJson.Default.Operation,
        ifMatch: null, cancellationToken);

    private static string Text(int slot) => slot.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["vms", .. parts]).With("project", _connection.Project);
}
