using System.Globalization;
using System.Text.Json;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>
/// A device with its options, in one place for both ways to bring it: <c>-device</c> at the start, <c>device_add</c> later. Whoever is plugged
/// thus has the address that it will have after the next start.
/// </summary>
internal sealed class DeviceOptions(string driver, string id)
{
    private readonly List<(string Key, object Value)> _options = [("id", id)];

    public string Driver { get; } = driver;
    public string Id { get; } = id;

    /// <param name="value">A string, a number, or true and false (on and off).</param>
    public DeviceOptions With(string key, object? value)
    {
        if (value != null) _options.Add((key, value));
        return this;
    }

    /// <param name="address">As <see cref="MachineLayout"/> writes it: <c>bus=rp8,addr=0x0</c>.</param>
    public DeviceOptions At(string address)
    {
        foreach (var part in address.Split(',')) With(part[..part.IndexOf('=', StringComparison.Ordinal)], part[(part.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        return this;
    }

    /// <summary>For <c>-device</c>. In QEMU's option lists a comma is written twice.</summary>
    public override string ToString() => string.Join(',', _options.Select(option => $"{option.Key}={Text(option.Value)}").Prepend(Driver));

    /// <summary>For <c>device_add</c>.</summary>
    public DeviceAddArguments ToArguments()
    {
        var options = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (key, value) in _options.Where(option => option.Key is not ("id" or "bus"))) options[key] = Json(value);
        return new DeviceAddArguments { Driver = Driver, Id = Id, Bus = _options.Find(option => option.Key == "bus").Value as string, Options = options };
    }

    private static string Text(object value) => value switch
    {
        bool on => on ? "on" : "off",
        string text => text.Replace(",", ",,", StringComparison.Ordinal),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static JsonElement Json(object value) => value switch
    {
        bool on => JsonSerializer.SerializeToElement(on, QmpJson.Default.Boolean),
        string text => JsonSerializer.SerializeToElement(text, QmpJson.Default.String),
        _ => JsonSerializer.SerializeToElement(Convert.ToInt64(value, CultureInfo.InvariantCulture), QmpJson.Default.Int64),
    };
}
