namespace Lamina.Server.Isos;

/// <summary>What of a user-data document comes from user, password and keys.</summary>
/// <param name="User">The account.</param>
/// <param name="PasswordHash">Of crypt(3); null: the password is locked.</param>
/// <param name="SshKeys">Public ones.</param>
internal sealed record CloudInitConveniences(string? User, string? PasswordHash, IReadOnlyList<string>? SshKeys);
