namespace Lamina.Engine.Migration;

/// <summary>One side's part of the certificates of one migration, in PEM (D22): never a host's.</summary>
public sealed record MigrationCredentials
{
    /// <summary>The authority of this one migration; its key is forgotten as soon as both parts are signed.</summary>
    public required string Authority { get; init; }
    public required string Certificate { get; init; }
    /// <summary>A secret: in no log and no record that is not sealed.</summary>
    public required string Key { get; init; }
    /// <summary>The name in the target's certificate, which the source asks for.</summary>
    public required string TargetName { get; init; }

    public override string ToString() => $"credentials for {TargetName}";
}
