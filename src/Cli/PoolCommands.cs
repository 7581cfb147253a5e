using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina pool …</c></summary>
internal static class PoolCommands
{
    private static readonly IReadOnlyList<Column<Pool>> Columns =
    [
        new("name", p => p.Name),
        new("state", State),
        new("path", p => p.Spec.Path),
        new("total", p => p.Status is { Available: true } s ? Sizes.Format(s.TotalBytes) : null, AlignRight: true),
        new("free", p => p.Status is { Available: true } s ? Sizes.Format(s.FreeBytes) : null, AlignRight: true),
        new("provisioned", p => p.Status is { } s ? Sizes.Format(s.ProvisionedBytes) : null, AlignRight: true),
        new("allocated", p => p.Status is { Available: true } s ? Sizes.Format(s.AllocatedBytes) : null, AlignRight: true),
        new("failure", p => p.Status?.Failure?.Message),
    ];

    private static readonly IReadOnlyList<Column<Pool>> Fields =
    [
        new("name", p => p.Name),
        new("id", p => p.Id),
        new("state", State),
        new("failure", p => p.Status?.Failure is { } f ? f.Message + (f.Remedy is null ? "" : $"\n→ {f.Remedy}") : null),
        new("path", p => p.Spec.Path),
        new("wall", p => p.Spec.Scope == PoolScope.Shared ? (p.Status?.Wall ?? p.Spec.Wall).ToString().ToLowerInvariant() : null),
        new("hosts", p => p.Hosts.Count == 0 ? null : string.Join('\n', p.Hosts.Select(OnHost))),
        new("file system", p => p.Status is { FileSystem: { } kind } s ? $"{kind}{(s.DirectIo ? "" : ", without O_DIRECT")}" : null),
        new("total", p => p.Status is { Available: true } s ? Sizes.Format(s.TotalBytes) : null),
        new("free", p => p.Status is { Available: true } s ? Sizes.Format(s.FreeBytes) : null),
        new("kept for host", p => Sizes.Format(p.Spec.ReserveBytes)),
        new("provisioned", p => p.Status is { } s ? $"{Sizes.Format(s.ProvisionedBytes)}{(p.Spec.OverProvisionPercent is { } bound ? $" (at most {bound} % of its size)" : "")}" : null),
        new("allocated", p => p.Status is { Available: true } s ? Sizes.Format(s.AllocatedBytes) : null),
        new("notes", p => p.Spec.Notes),
        new("created", p => Times.Absolute(p.Spec.CreatedAt)),
    ];

    public static Command Build() => CommandBuilder.Noun("pool", "where disks live", List(), Show(), Create(), Set(), Delete());

    private static Command List() => CommandBuilder.Verb("list", "the pools, and their room", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Pools.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Pool, Columns));

    private static Command Show()
    {
        var pool = new Argument<string>("pool");
        return CommandBuilder.Verb("show", "everything about one", [pool], async (invocation, cancellationToken) =>
            invocation.Printer.Show((await invocation.Client.Pools.GetAsync(invocation.Value(pool), cancellationToken)).Value, ApiJson.Default.Pool, Fields));
    }

    private static Command Create()
    {
        var name = new Argument<string>("name");
        var path = new Option<string>("--path") { Description = "an empty folder of the host, or one to be made", HelpName = "/folder", Required = true };
        var shared = new Option<bool>("--shared") { Description = "several hosts have mounted it at this path" };
        var host = new Option<string?>("--host") { Description = "whose folder it is (default: the host that is asked)", HelpName = "host" };
        var (reserve, overProvision, notes) = Bounds();
        return CommandBuilder.Verb("create", "make an empty folder of the host a pool", [name, path, shared, host, reserve, overProvision, notes], async (invocation, cancellationToken) =>
        {
            var create = new PoolCreate
            {
                Name = invocation.Value(name),
                Path = invocation.Value(path)!,
                Shared = invocation.Value(shared),
                Host = invocation.Value(host),
                ReserveBytes = Bytes(invocation, reserve),
                OverProvisionPercent = invocation.Value(overProvision),
                Notes = invocation.Value(notes),
            };
            var operation = await invocation.Client.Pools.CreateAsync(create, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"pool {create.Name} is made at {create.Path}", cancellationToken);
        });
    }

    private static Command Set()
    {
        var pool = new Argument<string>("pool");
        var (reserve, overProvision, notes) = Bounds();
        return CommandBuilder.Verb("set", "change its bounds and notes", [pool, reserve, overProvision, notes], async (invocation, cancellationToken) =>
        {
            var update = new PoolUpdate { ReserveBytes = Bytes(invocation, reserve), OverProvisionPercent = invocation.Value(overProvision), Notes = invocation.Value(notes) };
            if (update == new PoolUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina pool set --help");
            await invocation.Client.Pools.UpdateAsync(invocation.Value(pool), update, ifMatch: null, cancellationToken);
            invocation.Say($"pool {invocation.Value(pool)} is changed");
        });
    }

    private static Command Delete()
    {
        var pool = new Argument<string>("pool");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete an empty one; its folder stays", [pool, yes], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(pool);
            Terminal.Confirm($"Delete pool {name}?", invocation.Value(yes));
            var operation = await invocation.Client.Pools.DeleteAsync(name, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"pool {name} is deleted", cancellationToken);
        });
    }

    private static (Option<string?> Reserve, Option<int?> OverProvision, Option<string?> Notes) Bounds() => (
        new Option<string?>("--reserve") { Description = "kept free for the host (default 1GiB, of small file systems a twentieth)", HelpName = "size" },
        new Option<int?>("--over-provision") { Description = "how much may be promised to guests, in percent of its size (default: without bound)", HelpName = "percent" },
        new Option<string?>("--notes") { Description = "what it is for", HelpName = "text" });

    private static long? Bytes(Invocation invocation, Option<string?> option) =>
        invocation.Value(option) is { } text ? SizeOptions.Bytes(option.Name, text) : null;

    private static string OnHost(PoolOnHost host) => host.Status switch
    {
        { Available: false, Failure: { } failure } => $"{host.HostName}: away, {failure.Message}",
        { NotLockedOutBy.Count: > 0 } => $"{host.HostName}: there, but locks of other hosts do not hold",
        { Available: true } => $"{host.HostName}: there, sees {host.Status.Sees.Count} other host{(host.Status.Sees.Count == 1 ? "" : "s")}",
        _ => $"{host.HostName}: away",
    };

    private static string State(Pool pool) => pool switch
    {
        { Spec.Deleting: not null } => "deleting",
        { Status: null } => "unknown",
        { Status.Available: true } => "available",
        _ => "away",
    };
}
