import { propertiesOf } from '../../../protocol/batch/entities.js';
import type { Certificate } from '../../core/certificate/state.js';
import { present, stateOf } from '../wire.js';

/** Properties of Certificate (the contract's section 4.9), for `$select`. */
export const CERTIFICATE_PROPERTIES = propertiesOf('Certificate');

/** A certificate as clients see it: never its private part. */
export const certificateBody = (certificate: Certificate, baseUrl: string): object =>
  present({
    thumbprint: certificate.thumbprint.toLowerCase(),
    thumbprintAlgorithm: certificate.thumbprintAlgorithm,
    url: `${baseUrl}/certificates(thumbprintAlgorithm=${certificate.thumbprintAlgorithm},thumbprint=${certificate.thumbprint.toLowerCase()})`,
    ...stateOf(certificate),
    publicData: certificate.publicData,
    deleteCertificateError: certificate.deleteError,
  });
