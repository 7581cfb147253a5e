using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Server.Consoles;

/// <summary>What a ticket opens: one console of one VM, for the one who asked.</summary>
internal sealed record ConsoleGrant
{
    public required Identity Identity { get; init; }
    public required string VmId { get; init; }
    public required string VmName { get; init; }
    public required string Project { get; init; }
    public required ConsoleKind Kind { get; init; }
}
