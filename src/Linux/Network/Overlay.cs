using System.Net;
using System.Net.NetworkInformation;

namespace Lamina.Linux.Network;

/// <summary>An end of a VXLAN (RFC 7348) that learns nothing by itself: where a frame goes is told by <see cref="OverlayEntry"/>.</summary>
/// <param name="Vni">24 bits.</param>
/// <param name="Local">The address from which it sends.</param>
/// <param name="Port">UDP, of this end.</param>
public sealed record VxlanSettings(int Vni, IPAddress? Local, int Port);

/// <summary>Where a VXLAN sends frames.</summary>
/// <param name="Mac">Of the receiver; all zero: of those that are not known, broadcasts among them.</param>
/// <param name="Destination">The other end.</param>
/// <param name="Port">UDP, of the other end; 0: the same as of this end.</param>
public sealed record OverlayEntry(PhysicalAddress Mac, IPAddress Destination, int Port);
