package gateway

import "time"

// Response returns the answer that the directive was carried out, with what the
// endpoint's properties are now. Its other fields may be changed.
func (d *Directive) Response(context ...Property) *Response {
	return &Response{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context,
	}
}

// StateReport returns the answer to [ReportState], with what the endpoint's
// properties are now.
func (d *Directive) StateReport(context ...Property) *StateReport {
	return &StateReport{EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context}
}

// ErrorResponse returns the answer that the directive was not carried out. The
// message is for the developer. Its other fields may be changed, such as
// Namespace for a type that only one interface defines.
func (d *Directive) ErrorResponse(t ErrorType, message string) *ErrorResponse {
	return &ErrorResponse{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Type: t, Message: message,
	}
}

// DeferredResponse returns the answer that another will follow. The estimate may
// be zero.
func (d *Directive) DeferredResponse(estimate time.Duration) *DeferredResponse {
	return &DeferredResponse{CorrelationToken: d.CorrelationToken, EstimatedDeferral: estimate}
}
